//! The crate `cala-ledger` as ledger_bench has libcala: the same template, accounts and postings, on the same
//! PostgreSQL. It makes a database of its own, preloads it, says that it is ready, and then runs a round for each line
//! of its input:
//!
//!   echo '64 1 2400' | cala-ledger-peer --accounts 10000 --durable 1 --preload 5000
//!
//! A line is: callers, postings in a batch (1: one posting a call), postings. The answer is one line of JSON, as of
//! ledger_bench --driven.
use std::io::BufRead;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Instant;

use cala_ledger::migrate::IncludeMigrations;
use cala_ledger::{
    account::*, account_set::*, job::*, journal::*, posting::PostingInput, primitives::BalanceRollup, tx_template::*,
    velocity::*, *,
};
use rust_decimal::Decimal;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use uuid::Uuid;

const MOST_CONNECTIONS: u32 = 90; // what the crate's own load test allows itself

struct Options {
    accounts: u32,
    full: bool,
    durable: bool,
    preload: u32,
    connections: u32,
}

fn options() -> Options {
    let mut options = Options { accounts: 2, full: false, durable: true, preload: 5000, connections: MOST_CONNECTIONS };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().expect("every option has a value");
        let number = || value.parse::<u32>().expect("a whole number");
        match name.as_str() {
            "--accounts" if value == "hot" => options.accounts = 2,
            "--accounts" => options.accounts = number().max(2),
            "--books" => options.full = value == "full",
            "--durable" => options.durable = number() != 0,
            "--preload" => options.preload = number(),
            "--connections" => options.connections = number(),
            _ => panic!("unknown option {name}"),
        }
    }
    options
}

fn uuid_of(kind: u128, number: u32) -> Uuid {
    Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 | kind << 48 | u128::from(number))
}

// The two accounts of a posting: as ledger_bench has them.
fn pair_of(number: u32, accounts: u32) -> (u32, u32) {
    if accounts <= 2 {
        return (0, 1);
    }
    let sender = number.wrapping_mul(2654435761) % accounts;
    let step = 1 + number.wrapping_mul(40503) % (accounts - 1);
    (sender, (sender + step) % accounts)
}

fn params(number: u32, accounts: u32) -> Params {
    let (sender, recipient) = pair_of(number, accounts);
    let mut params = Params::new();
    params.insert("sender", uuid_of(2, sender));
    params.insert("recipient", uuid_of(2, recipient));
    params.insert("amount", Decimal::new(100, 2));
    params
}

fn entry(side: &str, account: &str) -> NewTxTemplateEntry {
    NewTxTemplateEntry::builder()
        .entry_type(format!("'{side}'"))
        .account_id(account)
        .layer("SETTLED")
        .direction(side)
        .units("params.amount")
        .currency("'USD'")
        .build()
        .expect("an entry")
}

fn param(name: &str, kind: ParamDataType) -> NewParamDefinition {
    NewParamDefinition::builder().name(name).r#type(kind).build().expect("a parameter")
}

// The accounts' sets: one that is in another.
async fn make_sets(ledger: &CalaLedger, journal: Uuid) -> AccountSetId {
    let [inner, outer] = [0, 1].map(|number| AccountSetId::from(uuid_of(4, number)));
    for set in [inner, outer] {
        let set = NewAccountSet::builder().id(set).name("S").journal_id(journal).balance_rollup(BalanceRollup::Synchronous);
        ledger.account_sets().create(set.build()).await.expect("a set");
    }
    ledger.account_sets().add_member(outer, inner).await.expect("a set in a set");
    inner
}

fn limit_on(direction: &str) -> NewBalanceLimit {
    NewBalanceLimit::builder()
        .layer("SETTLED")
        .amount("decimal('1000000000000')")
        .enforcement_direction(direction)
        .always_active()
        .build()
        .expect("a limit of a balance")
}

// A control that counts every entry of these accounts, with a limit that is never reached.
async fn make_limits(ledger: &CalaLedger, accounts: &[u32]) {
    let velocity = ledger.velocities();
    let limit = VelocityLimitId::from(uuid_of(5, 0));
    let control = VelocityControlId::from(uuid_of(5, 1));
    let window = NewPartitionKey::builder().alias("currency").value("context.vars.entry.currency");
    let window = window.build().expect("a key");
    let limits = NewLimit::builder().balance(vec![limit_on("DEBIT"), limit_on("CREDIT")]).build().expect("limits");
    let new = NewVelocityLimit::builder().id(limit).name("L").description("L").window(vec![window]).limit(limits);
    velocity.create_limit(new.build().expect("a limit")).await.expect("a limit");
    let new = NewVelocityControl::builder().id(control).name("C").description("C").build().expect("a control");
    velocity.create_control(new).await.expect("a control");
    velocity.add_limit_to_control(control, limit).await.expect("a limit in a control");
    for some in accounts.chunks(1000) {
        let ids: Vec<AccountId> = some.iter().map(|&i| AccountId::from(uuid_of(2, i))).collect();
        let mut op = ledger.begin_operation().await.expect("an operation");
        velocity.attach_control_to_accounts_in_op(&mut op, control, &ids, Params::new()).await.expect("attachments");
        op.commit().await.expect("attachments");
    }
}

async fn make_books(ledger: &CalaLedger, accounts: u32, full: bool) {
    let journal = uuid_of(1, 0);
    ledger
        .journals()
        .create(NewJournal::builder().id(journal).name("Bench").enable_effective_balance(full).build())
        .await
        .expect("a journal");
    let all: Vec<u32> = (0..accounts).collect();
    for some in all.chunks(1000) {
        let made = some
            .iter()
            .map(|&i| NewAccount::builder().id(uuid_of(2, i)).code(format!("A{i}")).name("A").build())
            .collect();
        ledger.accounts().create_all(made).await.expect("accounts");
    }
    if full {
        let set = make_sets(ledger, journal).await;
        for some in all.chunks(1000) {
            let members: Vec<_> = some.iter().map(|&i| (set, AccountId::from(uuid_of(2, i)))).collect();
            ledger.account_sets().add_members(&members).await.expect("members");
        }
        make_limits(ledger, &all).await;
    }
    let template = NewTxTemplate::builder()
        .id(uuid_of(3, 0))
        .code("TRANSFER")
        .params(vec![
            param("sender", ParamDataType::Uuid),
            param("recipient", ParamDataType::Uuid),
            param("amount", ParamDataType::Decimal),
        ])
        .transaction(
            NewTxTemplateTransaction::builder()
                .effective("date()")
                .journal_id(format!("uuid('{journal}')"))
                .build()
                .expect("a transaction"),
        )
        .entries(vec![entry("DEBIT", "params.sender"), entry("CREDIT", "params.recipient")])
        .build();
    ledger.tx_templates().create(template).await.expect("a template");
}

async fn post(ledger: &CalaLedger, first: u32, batch: u32, accounts: u32) {
    if batch == 1 {
        ledger
            .post_transaction(TransactionId::new(), "TRANSFER", params(first, accounts))
            .await
            .expect("a posting");
    } else {
        let postings = (first..first + batch)
            .map(|number| PostingInput::new(TransactionId::new(), "TRANSFER", params(number, accounts)))
            .collect();
        ledger.post_transactions(postings).await.expect("a batch");
    }
}

// ---- what a round costs: as usage.cc has it

// Of /proc/PID/stat: the parent, seconds of the process, and of its children that have ended.
fn process_of(pid: &str) -> Option<(u32, f64, f64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text[text.rfind(')')? + 1..].split_whitespace().collect();
    let ticks = |from: usize| -> f64 { fields[from..from + 2].iter().map(|x| x.parse::<f64>().unwrap_or(0.0)).sum() };
    Some((fields[1].parse().ok()?, ticks(11) / 100.0, ticks(13) / 100.0))
}

fn server_seconds(postmaster: u32) -> f64 {
    let Some((_, own, ended)) = process_of(&postmaster.to_string()) else { return 0.0 };
    let mut sum = own + ended;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        match process_of(&entry.file_name().to_string_lossy()) {
            Some((parent, own, _)) if parent == postmaster => sum += own,
            _ => (),
        }
    }
    sum
}

async fn wal_bytes(pool: &PgPool) -> f64 {
    sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8")
        .fetch_one(pool)
        .await
        .expect("the WAL's position")
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|x| x.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

async fn usage(pool: &PgPool, postmaster: u32) -> (f64, f64, f64) {
    let (_, client, _) = process_of("self").unwrap_or_default();
    (client, server_seconds(postmaster), wal_bytes(pool).await)
}

// ---- rounds

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[(share * (sorted.len() - 1) as f64) as usize]
}

async fn round(
    ledger: &CalaLedger, first: u32, callers: u32, batch: u32, postings: u32, accounts: u32,
) -> (f64, Vec<f64>) {
    let next = Arc::new(AtomicU32::new(0));
    let operations = postings / batch;
    let begin = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let (ledger, next) = (ledger.clone(), next.clone());
            tokio::spawn(async move {
                let mut times = Vec::new();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= operations {
                        return times;
                    }
                    let begin = Instant::now();
                    post(&ledger, first + i * batch, batch, accounts).await;
                    times.push(begin.elapsed().as_secs_f64() * 1000.0);
                }
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a caller"));
    }
    let seconds = begin.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    (seconds, times)
}

async fn serve(options: Options, server: PgConnectOptions) {
    let commit = if options.durable { "on" } else { "off" };
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(std::time::Duration::from_secs(120))
        .connect_with(server.options([("synchronous_commit", commit)]))
        .await
        .expect("the database");
    let config = CalaLedgerConfig::builder().pool(pool.clone()).build().expect("a config");
    // The tables of the jobs come with the migrations, so these run before there are jobs.
    let mut migrator = sqlx::migrate::Migrator { migrations: Vec::new().into(), ..sqlx::migrate::Migrator::DEFAULT };
    migrator.include_cala_migrations().run(&pool).await.expect("the migrations");
    let jobs = JobSvcConfig::builder().pool(pool.clone()).build().expect("a config of jobs");
    let mut jobs = Jobs::init(jobs).await.expect("jobs");
    let ledger = CalaLedger::init(config, &mut jobs).await.expect("the ledger");
    make_books(&ledger, options.accounts, options.full).await;
    for first in (0..options.preload).step_by(100) {
        post(&ledger, 0x8000_0000 + first, 100, options.accounts).await;
    }
    let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&pool).await.expect("a backend");
    let postmaster = process_of(&backend.to_string()).map_or(0, |(parent, _, _)| parent);
    println!("{{\"ready\":\"cala-ledger 0.33.3\"}}");
    let mut number = 1;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let words: Vec<u32> = line.split_whitespace().map(|word| word.parse().expect("a whole number")).collect();
        let [callers, batch, postings] = words[..] else { panic!("a line is: callers batch postings") };
        let postings = (postings - postings % batch).max(batch);
        let _ = std::fs::write("/proc/self/clear_refs", "5"); // the peak counts from here
        let before = usage(&pool, postmaster).await;
        let (seconds, times) = round(&ledger, number, callers, batch, postings, options.accounts).await;
        let after = usage(&pool, postmaster).await;
        number += postings;
        println!(
            "{{\"postings\":{postings},\"seconds\":{seconds:.6},\"p50_ms\":{:.4},\"p99_ms\":{:.4},\"client_s\":{:.3},\"server_s\":{:.3},\
             \"written\":{:.0},\"peak_mib\":{:.1}}}",
            percentile(&times, 0.5),
            percentile(&times, 0.99),
            after.0 - before.0,
            after.1 - before.1,
            after.2 - before.2,
            peak_mib(),
        );
    }
    pool.close().await;
}

fn main() {
    let options = options();
    let url = std::env::var("CALA_TEST_POSTGRES").expect("CALA_TEST_POSTGRES names a database");
    // sqlx wants a host where libpq takes none.
    let server = PgConnectOptions::from_str(&url.replace("@/", "@localhost/")).expect("a connection string");
    let database = format!("cala_ledger_peer_{}", std::process::id());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let admin = PgPoolOptions::new().max_connections(1).connect_with(server.clone()).await.expect("the server");
        sqlx::query(&format!("CREATE DATABASE {database}")).execute(&admin).await.expect("a database");
        serve(options, server.database(&database)).await;
        sqlx::query(&format!("DROP DATABASE {database} WITH (FORCE)")).execute(&admin).await.expect("its end");
    });
}
