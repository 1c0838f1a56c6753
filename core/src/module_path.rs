//! The name of a parameter: where it stands in its module.

/// The path to the parameter that a visitor is looking at, kept by its `enter_module` and `exit_module`.
///
/// The variants of an enum are left out, so that `classifier.hidden.0.weight` is called that whichever model
/// of the family holds it.
#[derive(Clone, Debug, Default)]
pub struct ModulePath(Vec<String>);

impl ModulePath {
    /// Goes into a field, an element or a variant.
    pub fn enter(&mut self, name: &str, container_type: &str) {
        if !is_enum(container_type) {
            self.0.push(name.to_owned());
        }
    }

    /// Comes back from it.
    pub fn exit(&mut self, container_type: &str) {
        if !is_enum(container_type) {
            self.0.pop();
        }
    }

    /// The parameter's name.
    pub fn name(&self) -> String {
        self.0.join(".")
    }
}

fn is_enum(container_type: &str) -> bool {
    container_type.starts_with("Enum:")
}
