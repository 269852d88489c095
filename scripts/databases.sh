# shellcheck shell=bash
# Databases: a template with the addons that ours depends on, and clones of it.
#
# template_HASH     HASH over the environment and the manifest's `depends`
# installed_KEY_PYTHON_HASH  with our module, as long as nothing that is installed changes
# test_KEY_PID, test_KEY_gw0_PID    of one test run and its workers, dropped at its end
# demo_KEY, bench_KEY, keep_KEY     KEY is the checkout's

db_exists() {
    [ "$(sql "select 1 from pg_database where datname = '$1'")" = 1 ]
}

# Drops a database and its files; fails when somebody is connected.
drop_db() {
    sql "drop database if exists \"$1\"" && rm -rf "$METERED_HOME/data/filestore/$1"
}

# Makes database $2 a copy of $1.
clone_db() {
    local files=$METERED_HOME/data/filestore
    drop_db "$2" 2>/dev/null ||
        die "database $2 is in use; stop the server that uses it, then try again"
    sql "create database \"$2\" template \"$1\"" || die "cannot create the database $2"
    # Odoo names these files by their content and never changes one: links do.
    [ ! -d "$files/$1" ] || cp -al "$files/$1" "$files/$2"
}

# Runs Odoo with its whole log in $1, of which warnings and errors are shown. Fails when
# Odoo fails or logged an error.
odoo_logged() {
    local log=$1 status=0
    shift
    "$python" -m odoo "$@" --config "$config" >"$log" 2>&1 </dev/null || status=$?
    show_problems "$log"
    [ "$status" -eq 0 ] && ! grep -qE "$error_line" "$log"
}

error_line='^[-0-9]+ [0-9:,]+ ([0-9]+ )?(ERROR|CRITICAL) '

# Prints the warnings and errors of an Odoo log, with their tracebacks.
show_problems() {
    awk '
        /^[-0-9]+ [0-9:,]+ / { show = / (WARNING|ERROR|CRITICAL) / }
        show
    ' "$@" >&2
}

build_template() {
    local name=$1 modules=$2 building=${1}_building
    db_exists "$name" && return
    say "building the template database with $modules (once, about half a minute)"
    drop_db "$building"
    sql "create database \"$building\" template template0 encoding 'UTF8'" ||
        die "cannot create a database"
    odoo_logged "$METERED_HOME/log/template.log" --database "$building" --init "$modules" \
        --stop-after-init || die "Odoo could not install $modules, see $METERED_HOME/log/template.log"
    local files=$METERED_HOME/data/filestore
    rm -rf "${files:?}/$name"
    [ ! -d "$files/$building" ] || mv "$files/$building" "$files/$name"
    sql "alter database \"$building\" rename to \"$name\""
}

# Sets template.
ensure_template() {
    local modules
    modules=$("$python" -c '
import ast, sys
print(",".join(sorted(ast.literal_eval(open(sys.argv[1]).read())["depends"])))
' "$checkout/__manifest__.py") || die "cannot read $checkout/__manifest__.py"
    template=template_$(printf '%s %s' "$environment_key" "$modules" | short_hash)
    db_exists "$template" || locked template build_template "$template" "$modules"
}

# Makes database $1 anew, with our module installed: installing takes a minute of the
# processor, cloning a second.
fresh_db() {
    ensure_installed
    # Not while its scripts and styles are made: nobody may be connected.
    locked "install-$checkout_key" clone_db "$installed" "$1"
}

# Installs our module in database $1, made anew.
install_into() {
    local log=$METERED_HOME/log/$1.log
    ensure_template
    clone_db "$template" "$1"
    odoo_logged "$log" --database "$1" --init metered_billing --stop-after-init ||
        die "the module could not be installed, see $log"
}

# Sets installed: a database with our module that nobody works in, to be cloned. It is
# made anew whenever a file changed that Odoo or the module's installation may read.
ensure_installed() {
    local key version
    ensure_template
    version=$("$python" -c 'import sys; print("py%d%d" % sys.version_info[:2])')
    key=$(
        cd "$checkout" && {
            echo "$template"
            find . \( -path './.*' -o -path ./dev -o -path ./tests -o -path ./scripts \
                -o -path ./benchmarks -o -path ./demo -o -path ./audit \
                -o -name __pycache__ \) -prune \
                -o -type f ! -name '*.md' -print0 |
                sort -z | xargs -0 sha256sum
        } | short_hash
    )
    installed=installed_${checkout_key}_${version}_$key
    db_exists "$installed" || locked "install-$checkout_key" install_db "$installed"
}

# Makes database $1 once, and drops those of other files that the same Python had.
install_db() {
    local name
    db_exists "$1" && return
    for name in $(sql "select datname from pg_database
        where datname like '${1%_*}\\_%'"); do
        drop_db "$name"
    done
    install_into "$1_building"
    local files=$METERED_HOME/data/filestore
    rm -rf "${files:?}/$1"
    [ ! -d "$files/$1_building" ] || mv "$files/$1_building" "$files/$1"
    sql "alter database \"$1_building\" rename to \"$1\""
}

# Has the web client's scripts and styles in database $1, where browser tests look.
ensure_bundles() {
    [ -n "$("$bin/psql" -qtAX -d "$1" -c "
        select 1 from ir_attachment where name = 'web.assets_web.min.js' limit 1")" ] ||
        locked "install-$checkout_key" "$python" "$checkout/scripts/odoo_env.py" \
            --config "$config" --database "$1" --http-port 0 \
            "$checkout/scripts/make_bundles.py"
}

# Updates our module in database $1.
update_db() {
    local log=$METERED_HOME/log/$1.log
    odoo_logged "$log" --database "$1" --update metered_billing --stop-after-init ||
        die "the module could not be updated, see $log"
}

# Drops what test runs that were killed, or failed some days ago, left behind.
drop_stale() {
    local name
    find "$METERED_HOME/log" -name 'test_*' -mtime +3 -delete
    for name in $(sql "select datname from pg_database where datname like 'test\\_${checkout_key}\\_%'"); do
        kill -0 "${name##*_}" 2>/dev/null || drop_db "$name" 2>/dev/null || true
    done
}
