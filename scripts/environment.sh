# shellcheck shell=bash
# Where everything lives, and the Python environment with Odoo in it.
#
# Sourced by ./dev. Everything that is downloaded or built stays below METERED_HOME,
# outside the checkout, and is shared by all checkouts of a user:
#
#   odoo/                     Odoo 19, unpacked from its Debian package
#   python-HASH/              the virtual environment, HASH over all that went into it
#   postgresql-18/, run/      the database cluster and its socket
#   data/                     Odoo's filestore and sessions
#   log/
#   addons-KEY/, odoo-KEY.conf    what belongs to one checkout; KEY is a hash of its path

die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

say() {
    printf -- '-- %s\n' "$*" >&2
}

is_root() {
    [ "$(id -u)" -eq 0 ]
}

short_hash() {
    sha256sum | cut -c1-10
}

# Runs a command while no other ./dev of the same METERED_HOME does. The command's own
# children do not inherit the lock (9>&-), or a server they start would keep it for ever.
locked() {
    local name=$1
    shift
    (
        flock 9
        "$@" 9>&-
    ) 9>"$METERED_HOME/.$name.lock"
}

locate() {
    if [ -z "${METERED_HOME:-}" ]; then
        if is_root; then
            # PostgreSQL refuses to run as root, and its user cannot look into /root.
            METERED_HOME=/var/cache/metered_billing
        else
            METERED_HOME=${XDG_CACHE_HOME:-$HOME/.cache}/metered_billing
        fi
    fi
    mkdir -p "$METERED_HOME/log" ||
        die "cannot write to $METERED_HOME; set METERED_HOME to a folder of yours"
    METERED_HOME=$(cd "$METERED_HOME" && pwd -P)
    export METERED_HOME
    checkout_key=$(printf '%s' "$checkout" | short_hash)
    addons=$METERED_HOME/addons-$checkout_key
    addon=$addons/odoo/addons/metered_billing
    config=$METERED_HOME/odoo-$checkout_key.conf
    # Compiled files stay out of the checkout, which may belong to somebody else.
    export PYTHONPYCACHEPREFIX=$METERED_HOME/pycache
    # And are kept, whatever the caller's shell says: else each process that starts, and a
    # test run starts hundreds, compiles Odoo and the addon anew.
    unset PYTHONDONTWRITEBYTECODE
}

# --- Odoo -------------------------------------------------------------------------------

# Odoo itself, then the packages that Debian's Odoo links fonts and JavaScript to.
odoo_packages=(
    odoo-19
    libjs-jquery libjs-jquery-form libjs-underscore
    fonts-font-awesome fonts-glyphicons-halflings fonts-montserrat
    fonts-roboto-unhinted fonts-inconsolata fonts-ocr-b
)

debian_mirror() {
    if [ -n "${METERED_DEBIAN_MIRROR:-}" ]; then
        printf '%s\n' "$METERED_DEBIAN_MIRROR"
        return
    fi
    command -v apt-get >/dev/null || return 0
    apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 2>/dev/null |
        grep -v security | head -n 1
}

download_odoo() {
    [ -e "$METERED_HOME/odoo/complete" ] && return
    local mirror work keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    local advice="point ODOO_PATH to an Odoo 19 of your own, or METERED_DEBIAN_MIRROR \
to a Debian mirror"
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || die "no Debian mirror in this machine's apt configuration: $advice"
    [ -e "$keyring" ] || die "$keyring is missing (package debian-archive-keyring): $advice"
    say "downloading Odoo 19 (once, about 130 MB)"
    work=$METERED_HOME/odoo.new
    rm -rf "$work"
    mkdir -p "$work/packages" "$work/lists/partial"
    # Odoo 19 is in Debian's suite sid only. These options keep apt's own state, and the
    # machine's, untouched; so root is not needed either.
    printf 'deb [signed-by=%s] %s sid main\n' "$keyring" "$mirror" >"$work/sid.list"
    local apt=(
        apt-get -qq
        -o "Dir::Etc::SourceList=$work/sid.list" -o Dir::Etc::SourceParts=/dev/null
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
        -o "Dir::State::Lists=$work/lists"
        -o "Dir::Cache::pkgcache=$work/pkgcache" -o "Dir::Cache::srcpkgcache=$work/srcpkgcache"
        -o APT::Sandbox::User=
    )
    "${apt[@]}" update || die "apt could not read the suite sid: $advice"
    (cd "$work/packages" && "${apt[@]}" download "${odoo_packages[@]}") ||
        die "apt could not download odoo-19 from the suite sid: $advice"
    local package
    for package in "$work"/packages/*.deb; do
        dpkg-deb -x "$package" "$work/root" || die "cannot unpack $package"
    done
    local dist=$work/root/usr/lib/python3/dist-packages
    # The same module under the name of its wheel, so that pip has nothing to compile.
    sed -i 's/^Requires-Dist: psycopg2\b/Requires-Dist: psycopg2-binary/' \
        "$dist"/odoo-19*.egg-info/PKG-INFO
    # Debian leaves this one file out; without it the web client logs an error, and every
    # browser test fails.
    mkdir -p "$dist/odoo/addons/mail/static/lib/selfie_segmentation"
    touch "$dist/odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"
    dpkg-deb -f "$work"/packages/odoo-19_*.deb Version >"$work/complete"
    rm -rf "$work/packages" "$work/lists" "$METERED_HOME/odoo"
    mv "$work" "$METERED_HOME/odoo"
}

# Sets odoo_dir, the folder that holds odoo/, and odoo_version.
ensure_odoo() {
    if [ -n "${ODOO_PATH:-}" ]; then
        [ -e "$ODOO_PATH/odoo/release.py" ] ||
            die "ODOO_PATH=$ODOO_PATH does not hold odoo/release.py; point it to the \
folder of an Odoo 19 (a clone of its repository)"
        odoo_dir=$(cd "$ODOO_PATH" && pwd -P)
        grep -q '^version_info = (19, 0' "$odoo_dir/odoo/release.py" ||
            die "the Odoo in ODOO_PATH=$ODOO_PATH is not version 19.0"
        odoo_version=own-$(printf '%s' "$odoo_dir" | short_hash)
    else
        [ -e "$METERED_HOME/odoo/complete" ] || locked setup download_odoo
        odoo_dir=$METERED_HOME/odoo/root/usr/lib/python3/dist-packages
        odoo_version=$(cat "$METERED_HOME/odoo/complete")
    fi
}

# --- Python -----------------------------------------------------------------------------

install_python() {
    local target=$1 requirements=$2 site
    [ -e "$target/complete" ] && return
    say "installing the Python environment (once, about a minute)"
    rm -rf "$target"
    if ! "$python3" -c 'import ensurepip' 2>/dev/null; then
        if is_root && command -v apt-get >/dev/null; then
            install_packages python3-venv
        else
            die "Python's venv is missing: as root, run: apt-get install python3-venv"
        fi
    fi
    "$python3" -m venv "$target" || die "cannot create a virtual environment in $target"
    site=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$odoo_dir" >"$site/odoo-19.pth"
    if ! compgen -G "$odoo_dir/odoo-19*-info" >/dev/null; then
        # A clone of Odoo's repository has no metadata; OCA's addons ask pip for odoo 19.
        mkdir "$site/odoo-19.0.dist-info"
        printf 'Metadata-Version: 2.1\nName: odoo\nVersion: 19.0\n' \
            >"$site/odoo-19.0.dist-info/METADATA"
        printf 'dev\n' >"$site/odoo-19.0.dist-info/INSTALLER"
    fi
    printf '%s\n' "$requirements" >"$target/requirements.txt"
    local log=$METERED_HOME/log/pip.log
    if ! "$target/bin/python" -m pip install --disable-pip-version-check --no-input \
        --requirement "$target/requirements.txt" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        die "pip could not install the requirements in $target/requirements.txt, see $log"
    fi
    touch "$target/complete"
}

# Sets venv and environment_key, which names everything that was built with it.
ensure_python() {
    local requirements
    python3=${METERED_PYTHON:-python3}
    requirements=$("$python3" "$checkout/scripts/requirements.py") ||
        die "needs Python 3.11 to 3.13 as python3 (or METERED_PYTHON)"
    environment_key=$(
        { printf '%s\n%s\n%s\n' "$requirements" "$odoo_dir" "$odoo_version"
          "$python3" --version; } | short_hash
    )
    venv=$METERED_HOME/python-$environment_key
    [ -e "$venv/complete" ] || locked setup install_python "$venv" "$requirements"
    python=$venv/bin/python
}

# --- What belongs to this checkout ------------------------------------------------------

# Odoo finds an addon by its folder's name, so the checkout is linked under that name. The
# folders above make it importable as odoo.addons.metered_billing without a server too.
ensure_link() {
    if [ "$(readlink "$addon" 2>/dev/null)" != "$checkout" ]; then
        mkdir -p "${addon%/*}"
        ln -sfn "$checkout" "$addon"
    fi
    cat >"$config.$$" <<CONF
[options]
addons_path = ${addon%/*}
data_dir = $METERED_HOME/data
http_interface = 127.0.0.1
list_db = False
log_handler = :INFO,py.warnings:ERROR
proxy_mode = False
workers = 0
limit_memory_hard = 0
CONF
    mv "$config.$$" "$config"
}

# --- Programs of the system -------------------------------------------------------------

has_browser() {
    # The names that Odoo's browser tests look for.
    command -v google-chrome || command -v chromium || command -v chromium-browser
} >/dev/null

has_sshd() {
    command -v sshd || [ -x /usr/sbin/sshd ]
} >/dev/null

missing_programs() {
    has_browser || echo chromium
    has_sshd || echo openssh-server
    # Debian 13 has no wkhtmltopdf; once that is known it is not asked for again.
    command -v wkhtmltopdf >/dev/null || [ -e "$METERED_HOME/no-wkhtmltopdf" ] ||
        echo wkhtmltopdf
}

# Installs packages with apt-get; those this Debian does not have are left out.
install_packages() {
    local package found=() log=$METERED_HOME/log/apt.log
    say "apt-get install $*"
    apt-get -qq update >"$log" 2>&1 || say "apt-get update had a problem, see $log"
    for package in "$@"; do
        if [ -n "$(apt-cache madison "$package" 2>/dev/null)" ]; then
            found+=("$package")
        else
            say "this Debian has no package $package"
        fi
    done
    [ "${#found[@]}" -gt 0 ] || return 0
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=600 \
        --no-install-recommends install "${found[@]}" </dev/null >>"$log" 2>&1 ||
        die "apt-get install ${found[*]} failed, see $log"
}

install_programs() {
    local missing
    mapfile -t missing < <(missing_programs)
    [ "${#missing[@]}" -gt 0 ] || return 0
    # A machine does not get an SSH service because somebody runs tests on it.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        # shellcheck disable=SC2064  # expanded now, the variable is local
        trap "rm -f '$policy'" EXIT
    fi
    install_packages "${missing[@]}"
    if ! command -v wkhtmltopdf >/dev/null; then
        say "going on without wkhtmltopdf: invoices are not printed as PDF"
        touch "$METERED_HOME/no-wkhtmltopdf"
    fi
}

# Chromium runs the browser tests and takes the screenshots; wkhtmltopdf prints invoices;
# the tests of file stores start an sshd of their own on loopback.
ensure_programs() {
    local missing
    missing=$(missing_programs | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if is_root && command -v apt-get >/dev/null; then
        locked setup install_programs
    else
        say "without ${missing% } tests are skipped or invoices not printed;" \
            "as root, run: apt-get install $missing"
    fi
}
