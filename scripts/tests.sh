# shellcheck shell=bash
# ./dev test: pytest with pytest-odoo in a database of its own, or without any.

# The tests that need no database run first: they tell in seconds what is wrong. Every
# test runs once, in the one way or in the other.
cmd_test() {
    local args=() paths=() pure=() based=() arg pure_only=
    locate
    for arg in "$@"; do
        local file=${arg%%::*}
        file=${file#"$checkout"/}
        file=${file#./}
        if [ "$arg" = --pure ]; then
            pure_only=1
        elif [[ $file == tests* && -e $checkout/$file ]]; then
            paths+=("$file${arg#"${arg%%::*}"}")
        else
            args+=("$arg")
        fi
    done
    sort_tests "${paths[@]:-tests}"
    [ -z "$pure_only" ] || based=()
    [ "$((${#pure[@]} + ${#based[@]}))" -gt 0 ] || die "there are no tests here"
    export METERED_DURATIONS=$METERED_HOME/log/test_${checkout_key}_$$.seconds
    local status=5
    [ "${#pure[@]}" -eq 0 ] || status_of run_pure_tests
    # Whoever wants to stop at the first failure has it.
    if [ "${#based[@]}" -gt 0 ] && { [ "$status" -ne 1 ] || ! stops_early; }; then
        status_of run_tests
    fi
    show_slowest
    return "$status"
}

# Runs a command and keeps the worse of $status and its own; pytest's 5, no test was
# chosen, counts when it is so of all.
status_of() {
    local own
    # Behind an || what fails in it would not end it.
    set +e
    (set -e; "$@")
    own=$?
    set -e
    if [ "$status" -eq 5 ] || { [ "$own" -ne 5 ] && [ "$own" -gt "$status" ]; }; then
        status=$own
    fi
}

stops_early() {
    [[ " ${args[*]} " =~ " "(-x|--exitfirst|--maxfail=[^ ]*)" " ]]
}

# Sorts the test files of files and folders into pure and based. Pure is one that of odoo
# imports our addon only.
sort_tests() {
    local path file
    for path in "$@"; do
        while read -r file; do
            if grep -qP '^\s*(from|import) odoo(?!\.addons\.metered_billing\b)' \
                "$checkout/$file"; then
                based+=("$file${path#"${path%%::*}"}")
            else
                pure+=("$file${path#"${path%%::*}"}")
            fi
        done < <(cd "$checkout" && find "${path%%::*}" -name 'test_*.py' | sort)
    done
}

show_slowest() {
    [ -s "$METERED_DURATIONS" ] || return 0
    say "the ten slowest"
    # Read to the end: what is left by a reader that stops is a failure of the writer.
    sort -rn "$METERED_DURATIONS" |
        sed -nE '1,10s,^([0-9.]+)\s+.*metered_billing/(tests/),\1 s\t./\2,p' >&2
    rm -f "$METERED_DURATIONS"
}

# Sets workers: $2, or METERED_WORKERS, but not more than test files, which are $1. One
# runs in pytest's own process: what is asked for is seen or debugged.
count_workers() {
    workers=${METERED_WORKERS:-$2}
    [ "$workers" -le "$1" ] || workers=$1
    [[ ! " ${args[*]} " =~ " "(--co|--collect-only|--pdb|--trace|-s)" " ]] || workers=1
}

# Runs pytest in folder $1, which holds odoo/addons/metered_billing, with $workers.
run_pytest() {
    local root=$1 beside=()
    shift
    # A worker that crashed is not replaced: its database is not as it was.
    [ "$workers" -eq 1 ] || beside=(--numprocesses "$workers" --dist loadfile
        --no-loadscope-reorder --max-worker-restart 0)
    cd "$root"
    HYPOTHESIS_STORAGE_DIRECTORY=$METERED_HOME/hypothesis PYTHONPATH=$checkout/scripts \
        "$python" -m pytest -p side_by_side -p patience -p one_browser -p warm_caches \
        -p left_rows -p examples "${beside[@]}" \
        --config-file odoo/addons/metered_billing/pyproject.toml --rootdir "$root" \
        -o cache_dir="$METERED_HOME/pytest-$checkout_key" "$@"
}

run_pure_tests() {
    local workers
    prepare
    ensure_pure_link
    count_workers "${#pure[@]}" "$(nproc)"
    run_pytest "${pure_addon%/odoo/*}" -p no:odoo --import-mode importlib \
        -o consider_namespace_packages=true \
        "${args[@]}" "${pure[@]/#/$pure_addon/}"
}

# Without a database, too: the readers are pure.
cmd_fuzz() {
    prepare
    ensure_pure_link
    local root=${pure_addon%/odoo/*}
    cd "$root"
    PYTHONPATH=$root "$python" -m odoo.addons.metered_billing.tests.support.fuzzing "$@"
}

# The addon once more, without the __init__.py that would import the models.
ensure_pure_link() {
    pure_addon=$METERED_HOME/pure-$checkout_key/odoo/addons/metered_billing
    mkdir -p "$pure_addon/tests"
    local entry
    for entry in "$checkout"/* "$checkout"/tests/*; do
        case ${entry#"$checkout/"} in
        tests | __init__.py | tests/__init__.py) ;;
        # A link that is right stays: another run may be reading through it.
        *)
            [ "$(readlink "$pure_addon/${entry#"$checkout/"}")" = "$entry" ] ||
                ln -sfn "$entry" "$pure_addon/${entry#"$checkout/"}"
            ;;
        esac
    done
}

# In a database for each worker, as Odoo made it when it installed the module.
run_tests() {
    local name=test_${checkout_key}_$$ base workers place
    prepare_all
    drop_stale
    # For tests that need a database of their own.
    ensure_template
    export METERED_TEMPLATE=$template
    # A browser's test waits half of its time: for the screen, and a moment between any
    # two steps.
    count_workers "${#based[@]}" $(($(nproc) * 3 / 2))
    trap drop_own EXIT
    if [ "${METERED_KEEP_DB:-}" = 1 ]; then
        base=keep_$checkout_key
        if db_exists "$base"; then
            update_db "$base"
        else
            fresh_db "$base"
        fi
    else
        ensure_installed
        base=$installed
        export METERED_INSTALLED=$installed
    fi
    if (cd "$checkout" && grep -qE 'HttpCase|start_tour' "${based[@]%%::*}"); then
        ensure_bundles "$base"
    fi
    if [ "$workers" -gt 1 ]; then
        for ((place = 0; place < workers; place++)); do
            clone_db "$base" "test_${checkout_key}_gw${place}_$$"
        done
    elif [ "$base" = "keep_$checkout_key" ]; then
        name=$base
    else
        clone_db "$base" "$name"
    fi
    local log=$METERED_HOME/log/$name.pytest.log report=$METERED_HOME/log/$name.txt
    local status=0
    rm -f "$log"*
    # pytest-odoo silences Odoo unless told otherwise.
    run_pytest "$addons" --odoo-http --odoo-database "$name" --odoo-config "$config" \
        --odoo-log-level warn --log-file "$log" --color "$([ -t 1 ] && echo yes || echo no)" \
        "${args[@]}" "${based[@]/#/$addon/}" | tee "$report" || status=$?
    show_problems "$log"*
    [ "$status" -eq 0 ] || exit "$status"
    check_report "$report" "$log"*
}

# Drops the databases of this run.
drop_own() {
    local name
    for name in $(sql "select datname from pg_database
        where datname like 'test\\_${checkout_key}\\_%\\_$$' or datname = 'test_${checkout_key}_$$'"); do
        drop_db "$name" || say "database $name is still in use"
    done
}

# A test that passes although Odoo logged an error hides something, and so does a browser
# test that was skipped where there must be a browser.
check_report() {
    local report=$1
    shift
    if [ -n "${CI:-}" ] && grep -iE '^(.\[[0-9;]*m)*SKIPPED.*(chrom|browser)' "$report" >&2; then
        die "browser tests were skipped; install chromium"
    fi
    if grep -qE "$error_line" "$@"; then
        die "Odoo logged errors during the tests (a test that provokes one mutes or" \
            "asserts it): see $*"
    fi
    rm -f "$report" "$@"
}
