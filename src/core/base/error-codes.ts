/**
 * Every error code there is, with its kind. A code is a public interface: it stands in the log, in `sync_runs.error_code`, in
 * `--json`, and docs/runbook.md has what to do about it. A code without an entry there, or one that nothing uses, fails
 * test/project/docs.test.ts.
 */

/**
 * `transient`: try later, nothing is wrong with what we asked. `unpostable`: this payment or job, for good.
 * `fatal`: stop and tell a person (credentials, configuration, another account).
 */
export type SyncErrorKind = 'transient' | 'unpostable' | 'fatal';

/** Those of SyncError, in the same groups as in the runbook. */
export const SYNC_ERROR_CODES = {
  /** What Stripe answered, its key, and the clocks that are compared with its time. */
  stripe: {
    stripe_key_refused: 'fatal',
    stripe_permission_missing: 'fatal',
    stripe_request_refused: 'fatal',
    stripe_resource_missing: 'fatal',
    stripe_api_base_invalid: 'fatal',
    other_account: 'fatal',
    stripe_unavailable: 'transient',
    stripe_rate_limited: 'transient',
    stripe_lock_timeout: 'transient',
    stripe_answer_unreadable: 'transient',
    stripe_client_fault: 'transient',
    stopped: 'transient',
    cursor_gone: 'transient',
    clocks_disagree: 'transient',
    stripe_time_off: 'transient',
    no_server_time: 'transient',
  },
  /** What Blnk answered, its key, and whether it is the ledger that was posted to. */
  blnk: {
    blnk_key_refused: 'fatal',
    blnk_scope_missing: 'fatal',
    blnk_forbidden: 'fatal',
    blnk_posting_refused: 'fatal',
    blnk_limit_reached: 'transient',
    blnk_core_too_old: 'fatal',
    blnk_route_missing: 'fatal',
    blnk_base_invalid: 'fatal',
    blnk_instance_missing: 'fatal',
    blnk_overdraft_refused: 'fatal',
    ledger_in_doubt: 'transient',
    other_ledger: 'fatal',
    move_refused: 'fatal',
    blnk_unavailable: 'transient',
    blnk_look_up_refused: 'transient',
    blnk_answer_unreadable: 'transient',
    blnk_key_unreadable: 'transient',
    claim_expired: 'transient',
  },
  /** The servers of the database and of the queue. */
  databaseAndQueue: {
    database_failed: 'transient',
    database_unreachable: 'transient',
    database_login_refused: 'fatal',
    database_missing: 'fatal',
    database_host_unknown: 'transient',
    database_right_missing: 'fatal',
    database_connections: 'fatal',
    database_encoding: 'fatal',
    database_version: 'fatal',
    database_encryption_refused: 'fatal',
    database_certificate_refused: 'fatal',
    queue_unreachable: 'transient',
    queue_refused: 'fatal',
    queue_cluster: 'fatal',
  },
  /** The tables, and the version that they are of. */
  migrations: {
    not_migrated: 'fatal',
    code_too_old: 'fatal',
    migration_waited: 'transient',
    migration_interrupted: 'transient',
    migration_failed: 'fatal',
    migration_blocked: 'transient',
    schema_in_use: 'fatal',
    migration_changed: 'fatal',
    old_tables_unclear: 'fatal',
    older_workers_running: 'fatal',
  },
  /** What this database mirrors, its runs, proofs and repairs. */
  mirror: {
    no_data: 'fatal',
    no_mirror: 'fatal',
    no_own_ledger: 'fatal',
    not_handed_over: 'fatal',
    mirror_differs: 'fatal',
    mirror_ambiguous: 'fatal',
    mirror_moved: 'fatal',
    workers_running: 'fatal',
    days_not_provable: 'fatal',
    repair_plan_unknown: 'fatal',
    repair_plan_ambiguous: 'fatal',
    repair_sums_differ: 'fatal',
    repair_in_hand: 'transient',
    start_in_future: 'fatal',
    window_unreadable: 'fatal',
    ledger_not_empty: 'fatal',
    rebuild_unfinished: 'fatal',
    database_not_empty: 'fatal',
    nothing_to_rebuild: 'fatal',
    start_moved: 'transient',
    run_lost: 'transient',
    proof_taken_over: 'transient',
    proof_gave_way: 'transient',
    bad_payload: 'unpostable',
  },
  /** What a command was asked for. */
  commands: {
    usage: 'fatal',
    command_unknown: 'fatal',
    run_unknown: 'fatal',
    run_ambiguous: 'fatal',
    payment_unknown: 'fatal',
    cursor_unknown: 'fatal',
    day_not_proven: 'fatal',
    queue_not_served: 'fatal',
    not_followed: 'transient',
    login_link_needs_token: 'fatal',
  },
  /** What the HTTP server answers; no error of the mirror. */
  http: {
    http_port_taken: 'fatal',
    http_not_listening: 'fatal',
    http_not_found: 'fatal',
    http_method_not_allowed: 'fatal',
    http_host_unknown: 'fatal',
    http_token_missing: 'fatal',
    http_token_wrong: 'fatal',
    http_too_many_tries: 'transient',
    http_not_allowed: 'fatal',
    http_foreign_origin: 'fatal',
    http_request_invalid: 'fatal',
    http_body_too_large: 'fatal',
    http_media_type: 'fatal',
    http_signature_wrong: 'fatal',
    http_link_void: 'fatal',
    http_without_keys: 'fatal',
    http_took_too_long: 'transient',
  },
  /** Why a difference was not accepted. */
  accepting: {
    nothing_to_accept: 'fatal',
    not_acceptable: 'fatal',
    several_days: 'fatal',
    already_accepted: 'fatal',
    not_accepted: 'fatal',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, SyncErrorKind>>>>;

/** Those of the embedded PostgreSQL, which have no kind: each ends the worker at its start. */
export const EMBEDDED_POSTGRES_ERROR_CODES = [
  /** No server program for this operating system and processor, or it does not run here (musl, too old a glibc). */
  'unsupported_platform',
  /** The optional package with the server program is not installed. */
  'binaries_missing',
  /** We are root and cannot run the server as another user, or are a user without a name. */
  'account_unavailable',
  /** The user that runs the server cannot enter a folder on the way. */
  'folder_unreachable',
  /** We cannot create or write the data folder. */
  'folder_not_writable',
  /** The data belongs to another user, or is not ours at all. */
  'foreign_folder',
  /** The data was written by another major version of PostgreSQL. */
  'version_mismatch',
  'initdb_failed',
  'start_failed',
  'start_timeout',
] as const;

/** Those without an error class of their own. */
const OTHER_ERROR_CODES = [
  /** Of the configuration: variables are missing or wrong. */
  'configuration_unusable',
  /** Of a run whose worker went silent. */
  'worker_lost',
  /** Of what has no code of its own. */
  'unexpected',
] as const;

type Group = (typeof SYNC_ERROR_CODES)[keyof typeof SYNC_ERROR_CODES];
/** Of each group by itself: `keyof` of a union has only what all of them share. */
type CodesIn<OneOf, Kind> = OneOf extends unknown
  ? { [Code in keyof OneOf]: OneOf[Code] extends Kind ? Code : never }[keyof OneOf]
  : never;

/** The codes of one kind. */
export type CodeOfKind<Kind extends SyncErrorKind> = CodesIn<Group, Kind>;
export type SyncErrorCode = CodeOfKind<SyncErrorKind>;
export type EmbeddedPostgresErrorCode = (typeof EMBEDDED_POSTGRES_ERROR_CODES)[number];
export type ErrorCode = SyncErrorCode | EmbeddedPostgresErrorCode | (typeof OTHER_ERROR_CODES)[number];

export const ERROR_CODES: readonly ErrorCode[] = [
  ...Object.values(SYNC_ERROR_CODES).flatMap((group) => Object.keys(group) as SyncErrorCode[]),
  ...EMBEDDED_POSTGRES_ERROR_CODES,
  ...OTHER_ERROR_CODES,
];

/** Whether what another library calls `code` is one of ours. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return ERROR_CODES.some((one) => one === code);
}
