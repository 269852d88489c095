# shellcheck shell=bash
# ./dev test: pytest with pytest-odoo in a database of its own, or without any.

cmd_test() {
    local args=() paths=() arg file run=run_tests
    locate
    for arg in "$@"; do
        file=${arg%%::*}
        file=${file#"$checkout"/}
        file=${file#./}
        if [ "$arg" = --pure ]; then
            run=run_pure_tests
        elif [[ $file == tests* && -e $checkout/$file ]]; then
            # The same file under the link, by whose folders Odoo knows the addon.
            paths+=("$addon/$file${arg#"${arg%%::*}"}")
        else
            args+=("$arg")
        fi
    done
    [ "${#paths[@]}" -gt 0 ] || paths=("$addon/tests")
    "$run" "${args[@]}" "${paths[@]}"
}

# Runs pytest in folder $1, which holds odoo/addons/metered_billing.
run_pytest() {
    local root=$1
    shift
    cd "$root"
    HYPOTHESIS_STORAGE_DIRECTORY=$METERED_HOME/hypothesis "$python" -m pytest \
        --config-file odoo/addons/metered_billing/pyproject.toml --rootdir "$root" \
        -o cache_dir="$METERED_HOME/pytest" "$@"
}

# The tests that need no database: of odoo their files import our addon only.
run_pure_tests() {
    local arg file args=() found=()
    prepare
    ensure_pure_link
    for arg in "$@"; do
        if [[ $arg != "$addon"/* ]]; then
            args+=("$arg")
            continue
        fi
        while read -r file; do
            grep -qP '^\s*(from|import) odoo(?!\.addons\.metered_billing\b)' "$file" ||
                found+=("$pure/${file#"$addon"/}${arg#"${arg%%::*}"}")
        done < <(find "${arg%%::*}" -name 'test_*.py' | sort)
    done
    [ "${#found[@]}" -gt 0 ] || die "there are no tests without a database here"
    run_pytest "${pure%/odoo/*}" -p no:odoo --import-mode importlib \
        "${args[@]}" "${found[@]}"
}

# Without a database, too: the readers are pure.
cmd_fuzz() {
    prepare
    ensure_pure_link
    local root=${pure%/odoo/*}
    cd "$root"
    PYTHONPATH=$root "$python" -m odoo.addons.metered_billing.tests.fuzzing "$@"
}

# The addon once more, without the __init__.py that would import the models.
ensure_pure_link() {
    pure=$METERED_HOME/pure-$checkout_key/odoo/addons/metered_billing
    mkdir -p "$pure/tests"
    local entry
    for entry in "$checkout"/* "$checkout"/tests/*; do
        case ${entry#"$checkout/"} in
        tests | __init__.py | tests/__init__.py) ;;
        *) ln -sfn "$entry" "$pure/${entry#"$checkout/"}" ;;
        esac
    done
}

run_tests() {
    local test_db=test_${checkout_key}_$$
    prepare_all
    ensure_template
    # For tests that need a database of their own.
    export METERED_TEMPLATE=$template
    drop_stale
    if [ "${METERED_KEEP_DB:-}" = 1 ]; then
        test_db=keep_$checkout_key
        if db_exists "$test_db"; then
            update_db "$test_db"
        else
            fresh_db "$test_db"
        fi
    else
        # shellcheck disable=SC2064  # expanded now, the variable is local
        trap "drop_db '$test_db'" EXIT
        fresh_db "$test_db"
    fi
    local log=$METERED_HOME/log/$test_db.pytest.log report=$METERED_HOME/log/$test_db.txt
    local status=0
    # pytest-odoo silences Odoo unless told otherwise.
    run_pytest "$addons" --odoo-http --odoo-database "$test_db" --odoo-config "$config" \
        --odoo-log-level warn --log-file "$log" --color "$([ -t 1 ] && echo yes || echo no)" \
        "$@" | tee "$report" || status=$?
    show_problems "$log"
    [ "$status" -eq 0 ] || exit "$status"
    check_report "$report" "$log"
}

# A test that passes although Odoo logged an error hides something, and so does a browser
# test that was skipped where there must be a browser.
check_report() {
    local report=$1 log=$2
    if [ -n "${CI:-}" ] && grep -iE '^(.\[[0-9;]*m)*SKIPPED.*(chrom|browser)' "$report" >&2; then
        die "browser tests were skipped; install chromium"
    fi
    if grep -qE "$error_line" "$log"; then
        die "Odoo logged errors during the tests (a test that provokes one mutes or" \
            "asserts it): see $log"
    fi
    rm -f "$report" "$log" "$METERED_HOME/log/$test_db.log"
}
