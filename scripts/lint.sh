# shellcheck shell=bash
# ./dev lint

# Every check runs even when one before it found something.
cmd_lint() {
    local fix=() failed=0 format=(--check)
    prepare
    case ${1:-} in
    '') ;;
    --fix) fix=(--fix) format=() ;;
    *) die "lint knows the option --fix only, not $1" ;;
    esac
    export RUFF_CACHE_DIR=$METERED_HOME/ruff PYLINTHOME=$METERED_HOME/pylint
    say ruff
    "$venv/bin/ruff" check "${fix[@]}" "$checkout" || failed=1
    "$venv/bin/ruff" format "${format[@]}" "$checkout" || failed=1
    say pylint-odoo
    lint_python || failed=1
    say XML
    "$python" "$checkout/scripts/check_xml.py" "$checkout" || failed=1
    if command -v shellcheck >/dev/null; then
        say shellcheck
        (cd "$checkout" && shellcheck --external-sources dev .ci/run) || failed=1
    fi
    return "$failed"
}

# What is no part of Odoo, or a script, may print, commit, have methods called `read` and
# import the addon by its full name, as tests do that run without a database.
lint_python() {
    local rules=(--rcfile "$addon/pyproject.toml") plain=() folder
    copy_to_lint
    for folder in rating connectors scripts demo benchmarks audit; do
        [ -z "$(find "$checkout/$folder" -name '*.py' -print -quit 2>/dev/null)" ] ||
            plain+=("metered_billing/$folder")
    done
    cd "${linted%/*}"
    local allowed=print-used,invalid-commit,method-required-super,odoo-addons-relative-import
    "$python" -P "$checkout/scripts/lint_python.py" \
        "${rules[@]}" --ignore tests,rating,connectors,scripts,demo,benchmarks,audit metered_billing \
        --then "${rules[@]}" --disable odoo-addons-relative-import metered_billing/tests \
        --then "${rules[@]}" --recursive y --disable "$allowed" "${plain[@]}"
}

# A copy without .git: pylint-odoo looks for a manifest below the root of a repository
# only, and where it finds none it leaves out what compares the files of a module.
copy_to_lint() {
    linted=$METERED_HOME/lint-$checkout_key/metered_billing
    rm -rf "$linted"
    mkdir -p "$linted"
    cp -r "$checkout"/* "$linted"
}
