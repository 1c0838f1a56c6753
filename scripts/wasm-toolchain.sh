#!/usr/bin/env bash
# Makes a Rust toolchain that builds for wasm32-unknown-unknown, and the tools the page needs.
#
#   eval "$(scripts/wasm-toolchain.sh)"        # compiler, linker and tools into this shell
#   cargo build -p gleaner-web --target wasm32-unknown-unknown
#
# `--compiler-only` leaves the tools out; `--distribution` skips rustup's own target
# and takes the distribution's compiler (what happens anyway where rustup cannot download). Progress
# goes to stderr; stdout holds only `export NAME=value` lines. Running it again is quick: whatever is
# already there is kept.
set -euo pipefail

target=wasm32-unknown-unknown
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${GLEANER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gleaner}
sysroot=$cache/wasm-toolchain
tools=$cache/tools
linked=gleaner-wasm
trunk_version=0.21.14
binaryen_version=132.0.0

say() { echo "wasm-toolchain: $*" >&2; }
fail() {
    say "$*"
    exit 1
}
export_line() { printf 'export %s=%q\n' "$1" "$2"; }

# ---- compiler ------------------------------------------------------------------------------------

# True when `cargo +$1` finds a compiled `std` for the target.
has_target() {
    local libdir
    libdir=$(rustc "+$1" --print target-libdir --target "$target" 2>/dev/null) || return 1
    compgen -G "$libdir/libstd-*.rlib" >/dev/null
}

add_with_rustup() {
    has_target "$1" && return 0
    say "asking rustup for the $target target"
    timeout "${GLEANER_RUSTUP_TIMEOUT:-60}" rustup target add --toolchain "$1" "$target" \
        >/dev/null 2>&1 || return 1
    has_target "$1"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "not root and no sudo: run '$*' as root, then this script again"
    fi
}

# Installs those of the named Debian packages that are missing.
debian_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null |
            grep -q 'install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return 0
    say "installing ${missing[*]}"
    as_root apt-get update -qq >&2 || say "apt-get update failed; going on with the old lists"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

wrapper() {
    printf '#!/bin/sh\n%s\n' "$2" >"$sysroot/bin/$1"
    chmod +x "$sysroot/bin/$1"
}

# A private sysroot over the distribution's compiler: links to what it has, our own `std` for wasm,
# and wrappers that point every driver at it. Nothing under /usr is written.
lay_out_sysroot() {
    local host=$1 rustlib=$sysroot/lib/rustlib
    mkdir -p "$sysroot/bin" "$rustlib"
    ln -sfn "/usr/lib/rustlib/$host" "$rustlib/$host"
    ln -sfn /usr/lib/rustlib/src "$rustlib/src"
    ln -sfn /usr/bin/cargo "$sysroot/bin/cargo"
    wrapper rustc "exec /usr/bin/rustc --sysroot '$sysroot' \"\$@\""
    wrapper rustdoc "exec /usr/bin/rustdoc --sysroot '$sysroot' \"\$@\""
    if [ -x /usr/bin/clippy-driver ]; then
        ln -sfn /usr/bin/cargo-clippy "$sysroot/bin/cargo-clippy"
        wrapper clippy-driver "SYSROOT='$sysroot' exec /usr/bin/clippy-driver \"\$@\""
    fi
}

# Compiles `std` once per compiler version. Bitcode is embedded so that LTO stays possible.
build_std() {
    local linker=$1 work=$cache/wasm-std out=$sysroot/lib/rustlib/$target/lib
    mkdir -p "$work/src"
    printf '[package]\nname = "empty"\nedition = "2024"\n[workspace]\n' >"$work/Cargo.toml"
    : >"$work/src/lib.rs"
    say "building std for $target (two minutes, once)"
    (
        cd "$work"
        unset RUSTUP_TOOLCHAIN RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER CARGO_ENCODED_RUSTFLAGS
        RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS='-C embed-bitcode=yes' \
            CARGO_TARGET_DIR=$work/target CARGO_PROFILE_RELEASE_DEBUG=0 \
            CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker \
            /usr/bin/cargo build --quiet --release --target "$target" \
            -Zbuild-std=std,panic_abort,proc_macro >&2
    )
    rm -rf "$out.new"
    mkdir -p "$out.new"
    cp "$work/target/$target/release/deps/"*.rlib "$out.new/"
    rm -f "$out.new/"libempty-*.rlib
    rm -rf "$out" "$work/target"
    mv "$out.new" "$out"
}

add_with_debian() {
    command -v apt-get >/dev/null ||
        fail "no $target standard library: run 'rustup target add $target' where the network allows it"
    debian_packages rustc-web cargo-web rust-web-src lld-19
    debian_packages rust-web-clippy || say "rust-web-clippy is missing: clippy for wasm will not run"
    linker=wasm-ld-19
    local version host stamp=$sysroot/stamp
    version=$(/usr/bin/rustc --version --verbose)
    host=$(sed -n 's/^host: //p' <<<"$version")
    lay_out_sysroot "$host"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$version" ]; then
        build_std "$linker"
        printf '%s\n' "$version" >"$stamp"
    fi
    [ "$(readlink -f "${RUSTUP_HOME:-$HOME/.rustup}/toolchains/$linked")" = "$(readlink -f "$sysroot")" ] ||
        rustup toolchain link "$linked" "$sysroot" >&2
    has_target "$linked" || fail "the linked toolchain $linked does not find its own std in $sysroot"
}

# ---- tools ---------------------------------------------------------------------------------------

locked_version() {
    sed -n "/^name = \"$1\"\$/{n;s/^version = \"\(.*\)\"\$/\1/p;q}" "$root/Cargo.lock"
}

# What makes the page small: `trunk build --release` calls it. Trunk would download one itself; the distribution's is too old for what
# today's compilers write.
install_wasm_opt() {
    [ -x "$tools/bin/wasm-opt" ] && return 0
    say "installing wasm-opt $binaryen_version"
    npm install --silent --prefix "$cache/binaryen" "binaryen@$binaryen_version" >&2 &&
        ln -sf "$cache/binaryen/node_modules/.bin/wasm-opt" "$tools/bin/wasm-opt" ||
        say "could not: trunk build --release will look for one itself"
}

# ---- main ----------------------------------------------------------------------------------------

compiler_only=false distribution=false linker=
for argument in "$@"; do
    case $argument in
    --compiler-only) compiler_only=true ;;
    --distribution) distribution=true ;;
    *) fail "unknown argument $argument: --compiler-only and --distribution are the two there are" ;;
    esac
done
toolchain=$(cd "$root" && env -u RUSTUP_TOOLCHAIN rustup show active-toolchain | cut -d' ' -f1)
if $distribution || ! add_with_rustup "$toolchain"; then
    add_with_debian
    toolchain=$linked
fi
if ! $compiler_only; then
    "$root/scripts/install-tool.sh" wasm-bindgen-cli wasm-bindgen "$(locked_version wasm-bindgen)"
    "$root/scripts/install-tool.sh" trunk trunk "$trunk_version"
    install_wasm_opt
fi
export_line RUSTUP_TOOLCHAIN "$toolchain"
[ -z "$linker" ] || export_line CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER "$linker"
case ":$PATH:" in *":$tools/bin:"*) ;; *) export_line PATH "$tools/bin:$PATH" ;; esac
