//! The built-in recipes, and how a run's settings are laid over each other.

use toml::{Table, Value};

use super::on_cpu;
use super::settings::{Recipe, no_such_model};
use super::tables::{merge, nested, one_line, parse_pair, parse_table};
use crate::error::{Result, unfit};

/// What every data set starts from.
const GENERAL: &str = include_str!("../../../recipes/general.toml");

/// Built-in recipes by model.
const MODELS: [(&str, &str); 8] = [
    ("m1", include_str!("../../../recipes/models/m1.toml")),
    ("m2", include_str!("../../../recipes/models/m2.toml")),
    ("m1m2", include_str!("../../../recipes/models/m1m2.toml")),
    ("adgm", include_str!("../../../recipes/models/adgm.toml")),
    ("sdgm", include_str!("../../../recipes/models/sdgm.toml")),
    ("latent-ebm", include_str!("../../../recipes/models/latent-ebm.toml")),
    ("ladder", include_str!("../../../recipes/models/ladder.toml")),
    ("untapped", include_str!("../../../recipes/models/untapped.toml")),
];

/// Built-in recipes by data set, each for one model.
const DATA_SETS: [(&str, &str); 7] = [
    ("ag-news", include_str!("../../../recipes/ag-news-200.toml")),
    ("digits", include_str!("../../../recipes/digits.toml")),
    ("fashion-mnist", include_str!("../../../recipes/fashion-mnist-1000.toml")),
    ("hepmass", include_str!("../../../recipes/hepmass-20.toml")),
    ("miniboone", include_str!("../../../recipes/miniboone-20.toml")),
    ("mnist", include_str!("../../../recipes/mnist-100.toml")),
    ("protein", include_str!("../../../recipes/protein-100.toml")),
];

/// The name of a data set in the spelling that recipes are known by.
pub fn canonical(name: &str) -> String {
    let name = name.to_lowercase().replace('_', "-");
    match name.as_str() {
        "cifar10" => "cifar-10".to_owned(),
        "cifar100" => "cifar-100".to_owned(),
        _ => name,
    }
}

/// The model that settings name.
fn model_kind(settings: &Table) -> Option<&str> {
    settings.get("model")?.get("kind")?.as_str()
}

/// The built-in recipes of a model and of a data set; the later one has the last word. Without a model, the data set
/// decides.
fn built_in(data: &str, kind: Option<&str>) -> Result<Vec<Table>> {
    let of_data = DATA_SETS.iter().find(|(known, _)| *known == data);
    let of_data = of_data
        .map(|(_, text)| parse_table(text, "the built-in recipe of the data"))
        .transpose()?;
    let kind = kind.or_else(|| model_kind(of_data.as_ref()?)).unwrap_or("m2").to_owned();
    let Some((_, text)) = MODELS.iter().find(|(known, _)| *known == kind) else {
        return Err(no_such_model(&kind));
    };
    let of_model = parse_table(text, "the built-in recipe of the model")?;
    Ok(match of_data {
        None => vec![of_model],
        Some(both) if model_kind(&both) == Some(&kind) => vec![of_model, both],
        // Meant for another model, it still knows what these data take, sizes aside.
        Some(of_data) => {
            // What the data are like, a model must say whichever it is; one that cannot does not know the setting.
            let likelihood = |table: &Table| table.get("model")?.get("likelihood").cloned();
            let of_these = likelihood(&of_data).filter(|_| likelihood(&of_model).is_some());
            let rest = of_data.into_iter().filter(|(section, _)| section != "model").collect();
            let of_these = of_these.map(|value| nested("model.likelihood", value));
            [rest, of_model].into_iter().chain(of_these).collect()
        }
    })
}

/// What the user asks for: a recipe file, flags and `--set` pairs, laid over each other but over nothing else yet.
#[derive(Clone, Debug)]
pub struct Draft {
    over: Table,
    source: String,
}

impl Draft {
    /// Lays the flags and the `--set` pairs over the recipe file, a table and what it is called.
    ///
    /// # Errors
    /// If a pair is no pair.
    pub fn of(file: Option<(Table, String)>, flags: Table, sets: &[String]) -> Result<Self> {
        let (mut over, source) = file.unwrap_or_else(|| (Table::new(), "settings".into()));
        for layer in std::iter::once(Ok(flags)).chain(sets.iter().map(|pair| parse_pair(pair))) {
            let layer = layer?;
            // The later one of two ways to say how many labels there are is meant.
            for [said, other] in [["labels", "labels-per-class"], ["labels-per-class", "labels"]] {
                let said = layer.get("data").is_some_and(|data| data.get(said).is_some());
                if let (true, Some(Value::Table(data))) = (said, over.get_mut("data")) {
                    data.remove(other);
                }
            }
            merge(&mut over, layer);
        }
        Ok(Self { over, source })
    }

    /// The data set's name or the path that it asks for.
    pub fn data_name(&self) -> &str {
        self.of_data("name").and_then(Value::as_str).unwrap_or("digits")
    }

    /// Asks for other data.
    pub fn name_data(&mut self, name: &str) {
        merge(&mut self.over, nested("data.name", name.into()));
    }

    fn of_data(&self, setting: &str) -> Option<&Value> {
        self.over.get("data")?.get(setting)
    }

    /// Whether the user says something about a setting of the data.
    pub fn says(&self, setting: &str) -> bool {
        self.of_data(setting).is_some()
    }

    /// Whether the user leaves open which model or method it is.
    pub fn leaves_model_open(&self) -> bool {
        model_kind(&self.over).is_none()
    }

    /// Leaves it open, whatever a recipe file says.
    pub fn leave_model_open(&mut self) {
        if let Some(Value::Table(model)) = self.over.get_mut("model") {
            model.remove("kind");
        }
    }

    /// What the user says about a setting of the model.
    pub fn model_setting(&self, setting: &str) -> Option<&Value> {
        self.over.get("model")?.get(setting)
    }

    /// What the user says about a setting of the training.
    pub fn train_setting(&self, setting: &str) -> Option<&Value> {
        self.over.get("train")?.get(setting)
    }

    /// The settings: what is asked for, over what `follows` from the data, over the built-in recipes of model and data set.
    ///
    /// # Errors
    /// If there are unknown keys or wrong values.
    pub fn resolve(&self, follows: Table) -> Result<Recipe> {
        let mut layers = built_in(&canonical(self.data_name()), model_kind(&self.over))?;
        layers.push(follows);
        Recipe::over(&layers, self.over.clone(), &self.source)
    }
}

impl Recipe {
    /// Lays the flags and the `--set` pairs over the built-in recipe of the data set.
    ///
    /// # Errors
    /// If a pair is no pair, or the result has unknown keys or wrong values.
    pub fn resolve(flags: Table, sets: &[String]) -> Result<Self> {
        Draft::of(None, flags, sets)?.resolve(Table::new())
    }

    /// Lays settings over the general recipe and their model's alone: what is compared must not start from what
    /// suits a data set and another model.
    ///
    /// # Errors
    /// As [`Recipe::resolve`].
    pub fn of_table(settings: Table) -> Result<Self> {
        let layers = built_in("", model_kind(&settings))?;
        Self::over(&layers, settings, "settings")
    }

    fn over(layers: &[Table], settings: Table, source: &str) -> Result<Self> {
        let mut table = parse_table(GENERAL, "the built-in general recipe")?;
        for layer in layers {
            merge(&mut table, layer.clone());
        }
        merge(&mut table, settings);
        if let Some(Value::Table(data)) = table.get_mut("data")
            && data.contains_key("labels")
        {
            data.remove("labels-per-class");
        }
        draw_noise_where_it_is_quick(&mut table);
        Self::typed(table, source)
    }

    /// The settings of a run as it wrote them down in `source`. Every one stands there, so nothing is laid below them: a file that is
    /// cut off must not be filled up with settings of another run.
    ///
    /// # Errors
    /// If the text is incomplete, or has unknown keys or wrong values.
    pub fn of_run(text: &str, source: &str) -> Result<Self> {
        Self::typed(parse_table(text, source)?, source)
    }

    fn typed(table: Table, source: &str) -> Result<Self> {
        let recipe: Self =
            table.try_into().map_err(|e: toml::de::Error| unfit!("{source}: {}", one_line(&e)))?;
        recipe.check()?;
        Ok(recipe)
    }
}

/// Noise that nobody asks for elsewhere is drawn on the GPU, if there is one: drawing it on the host and uploading it takes longer than
/// a step.
fn draw_noise_where_it_is_quick(settings: &mut Table) {
    let Some(Value::Table(train)) = settings.get_mut("train") else { return };
    let on_cpu = train.get("device").and_then(Value::as_str).is_none_or(on_cpu);
    train.entry("noise").or_insert(if on_cpu { "host" } else { "device" }.into());
}

#[cfg(test)]
mod tests {
    use crate::noise::NoiseSource;

    use super::*;

    #[test]
    fn noise_is_drawn_on_a_gpu_unless_somebody_says_otherwise() {
        let source = |settings: &[&str]| {
            let sets: Vec<String> = settings.iter().map(|&set| set.to_owned()).collect();
            Recipe::resolve(Table::new(), &sets).unwrap().train.noise
        };
        assert_eq!(source(&[]), NoiseSource::Host);
        assert_eq!(source(&["train.device=wgpu"]), NoiseSource::Device);
        assert_eq!(source(&["train.device=cuda:1"]), NoiseSource::Device);
        assert_eq!(source(&["train.device=wgpu", "train.noise=host"]), NoiseSource::Host);
    }

    #[test]
    fn without_anything_the_recipe_is_the_embedded_digits() {
        let recipe = Recipe::resolve(Table::new(), &[]).unwrap();
        assert_eq!(recipe.data.name, "digits");
        assert_eq!(recipe.data.labels_per_class, Some(10));
    }

    #[test]
    fn every_built_in_recipe_resolves_and_survives_a_round_trip() {
        for (name, _) in DATA_SETS {
            let flags = nested("data.name", name.into());
            let recipe = Recipe::resolve(flags, &[]).unwrap();
            let again: Recipe = toml::from_str(&recipe.to_toml().unwrap()).unwrap();
            assert_eq!(recipe, again);
        }
    }

    #[test]
    fn settings_of_a_run_that_are_cut_off_are_refused() {
        // With the sections that a run may be without.
        let shipped = include_str!("../../../recipes/mnist-100-latent-ebm.toml");
        let file = (parse_table(shipped, "shipped").unwrap(), "shipped".to_owned());
        let draft = Draft::of(Some(file), Table::new(), &[]).unwrap();
        let recipe = draft.resolve(Table::new()).unwrap();
        assert!(recipe.augment.is_some());
        let whole = recipe.to_toml().unwrap();
        assert_eq!(Recipe::of_run(&whole, "config.toml").unwrap(), recipe);
        let ends = whole.match_indices('\n').map(|(at, _)| at);
        for end in ends.filter(|&end| end + 1 < whole.len()) {
            let error = Recipe::of_run(&whole[..end], "config.toml").unwrap_err().to_string();
            assert!(error.contains("config.toml") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn another_model_keeps_what_its_data_set_takes_but_not_its_sizes() {
        let mut flags = nested("data.name", "mnist".into());
        merge(&mut flags, nested("model.kind", "ladder".into()));
        let recipe = Recipe::resolve(flags.clone(), &[]).unwrap();
        assert_eq!(recipe.objective.classifier_shift, 2);
        assert_eq!(recipe.model.0["latent"], Value::from(vec![32, 16, 8]));
        assert_eq!(recipe.objective.kl_warm_up_epochs, 10.0);
        // What the model's own recipe says of the rest has the last word.
        merge(&mut flags, nested("model.kind", "m1m2".into()));
        let stacked = Recipe::resolve(flags.clone(), &[]).unwrap();
        assert_eq!(stacked.objective.classifier_noise, 0.0);
        // A table starts from nothing but its own settings.
        assert_eq!(Recipe::of_table(flags).unwrap().objective.classifier_shift, 0);
    }

    #[test]
    fn set_beats_flags_and_keeps_the_rest() {
        let flags = nested("train.lr", 0.5.into());
        let sets = ["train.lr=0.25".into(), "model.hidden=[7, 8]".into()];
        let recipe = Recipe::resolve(flags, &sets).unwrap();
        assert_eq!(recipe.train.lr, 0.25);
        assert_eq!(recipe.model.0["hidden"], Value::from(vec![7, 8]));
        assert_eq!(recipe.model.0["kind"], Value::from("m2"));
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = Recipe::resolve(Table::new(), &["train.learning=1".into()]).unwrap_err();
        assert!(error.to_string().contains("unknown field `learning`"), "{error}");
        assert!(!error.to_string().contains('\n'));
    }

    #[test]
    fn an_unknown_setting_of_a_model_is_refused_with_those_that_it_has() {
        for (kind, _) in MODELS {
            let flags = nested("model.kind", kind.into());
            let set = |pair: &str| Recipe::resolve(flags.clone(), &[pair.into()]);
            let error = set("model.classifier-hiden=[1]").unwrap_err().to_string();
            let start = format!(
                "settings of model {kind}: unknown field `classifier-hiden`, expected one of "
            );
            assert!(error.starts_with(&start), "{error}");
            let recipe = set("train.seed=1").unwrap();
            assert!(recipe.model.0.len() > 3, "{kind}");
            for key in recipe.model.0.keys().filter(|key| *key != "kind") {
                assert!(error.contains(&format!("`{key}`")), "{error}");
            }
            assert_eq!(error.contains("convolution"), ["m1", "m2", "latent-ebm"].contains(&kind));
            assert!(!error.contains('_') && !error.contains("shape"), "{error}");
        }
    }

    #[test]
    fn a_wrong_type_names_the_key() {
        // A model's own setting, and one that models share.
        for (pair, key) in [
            ("train.lr=fast", "lr"),
            ("model.latent=few", "`latent`"),
            ("model.hidden=5", "`hidden`"),
            ("model.classifier-hidden=a_b", "\"a_b\", expected a sequence, in `classifier-hidden`"),
            // What was typed is quoted, not mended.
            ("model.activation=leaky_relu", "`leaky_relu`, expected one of `softplus`"),
        ] {
            let error = Recipe::resolve(Table::new(), &[pair.into()]).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn what_follows_from_the_data_is_no_setting() {
        for pair in ["model.shape=[3]", "model.classes=4"] {
            let error = Recipe::resolve(Table::new(), &[pair.into()]).unwrap_err();
            assert!(error.to_string().contains("follows from the data"), "{error}");
        }
    }

    #[test]
    fn labels_are_shared_out_over_the_classes() {
        let sets = |n: &str| [format!("data.labels={n}")];
        let recipe = Recipe::resolve(Table::new(), &sets("100")).unwrap();
        assert_eq!(recipe.labels_per_class(10).unwrap(), Some(10));
        let recipe = Recipe::resolve(Table::new(), &sets("101")).unwrap();
        assert!(recipe.labels_per_class(10).is_err());
    }
}
