/*
 * layout.c - prints where each member of the driver contract stands, for abi.test.
 * A new member gets a line here and in the table, at the end of its struct.
 */
#include <stddef.h>
#include <stdio.h>

#include <dunlin/driver.h>

#define S(s)    printf("struct " #s " %zu\n", sizeof(struct s))
#define M(s, m) printf("  " #m " %zu %zu\n", offsetof(struct s, m), sizeof(((struct s *)0)->m))

int main(void)
{
	S(dunlin_rule);
	M(dunlin_rule, pattern);
	M(dunlin_rule, traits);
	S(dunlin_word);
	M(dunlin_word, name);
	M(dunlin_word, text);
	S(dunlin_dialect);
	M(dunlin_dialect, struct_size);
	M(dunlin_dialect, lex);
	M(dunlin_dialect, name);
	M(dunlin_dialect, aliases);
	M(dunlin_dialect, rules);
	M(dunlin_dialect, vocabulary);
	M(dunlin_dialect, quote_open);
	M(dunlin_dialect, quote_close);
	M(dunlin_dialect, param_style);
	M(dunlin_dialect, concat_style);
	M(dunlin_dialect, default_schema);
	M(dunlin_dialect, ledger_ddl);
	M(dunlin_dialect, ledger_exists);
	M(dunlin_dialect, foreign_tables);
	M(dunlin_dialect, now);
	M(dunlin_dialect, elapsed_ms);
	M(dunlin_dialect, probe_set);
	M(dunlin_dialect, probe_get);
	M(dunlin_dialect, row_ms);
	S(dunlin_driver_error);
	M(dunlin_driver_error, struct_size);
	M(dunlin_driver_error, errclass);
	M(dunlin_driver_error, native);
	M(dunlin_driver_error, sqlstate);
	M(dunlin_driver_error, is_retryable);
	M(dunlin_driver_error, is_truncated);
	M(dunlin_driver_error, is_unsafe);
	M(dunlin_driver_error, reserved);
	M(dunlin_driver_error, position);
	M(dunlin_driver_error, message);
	M(dunlin_driver_error, detail);
	M(dunlin_driver_error, hint);
	S(dunlin_host);
	M(dunlin_host, struct_size);
	M(dunlin_host, abi_minor);
	M(dunlin_host, ctx);
	M(dunlin_host, alloc);
	M(dunlin_host, free);
	M(dunlin_host, log);
	S(dunlin_kv);
	M(dunlin_kv, key);
	M(dunlin_kv, value);
	S(dunlin_control);
	M(dunlin_control, struct_size);
	M(dunlin_control, reserved);
	M(dunlin_control, arg);
	M(dunlin_control, should_stop);
	M(dunlin_control, remaining_ms);
	S(dunlin_param);
	M(dunlin_param, value);
	M(dunlin_param, len);
	M(dunlin_param, is_integer);
	M(dunlin_param, reserved);
	S(dunlin_step);
	M(dunlin_step, struct_size);
	M(dunlin_step, kind);
	M(dunlin_step, traits);
	M(dunlin_step, reserved);
	M(dunlin_step, sql);
	M(dunlin_step, sql_len);
	M(dunlin_step, data);
	M(dunlin_step, data_len);
	M(dunlin_step, param);
	M(dunlin_step, n_param);
	M(dunlin_step, expect_rows);
	M(dunlin_step, lock_timeout_ms);
	M(dunlin_step, statement_timeout_ms);
	M(dunlin_step, read_data);
	M(dunlin_step, read_arg);
	S(dunlin_exec_result);
	M(dunlin_exec_result, struct_size);
	M(dunlin_exec_result, is_unknown);
	M(dunlin_exec_result, n_done);
	M(dunlin_exec_result, n_durable);
	S(dunlin_exec_observer);
	M(dunlin_exec_observer, struct_size);
	M(dunlin_exec_observer, reserved);
	M(dunlin_exec_observer, arg);
	M(dunlin_exec_observer, step_done);
	M(dunlin_exec_observer, notice);
	S(dunlin_blocker);
	M(dunlin_blocker, struct_size);
	M(dunlin_blocker, reserved);
	M(dunlin_blocker, pid);
	M(dunlin_blocker, user);
	M(dunlin_blocker, application);
	M(dunlin_blocker, query);
	M(dunlin_blocker, since);
	S(dunlin_driver);
	M(dunlin_driver, magic);
	M(dunlin_driver, struct_size);
	M(dunlin_driver, abi_minor);
	M(dunlin_driver, flags);
	M(dunlin_driver, name);
	M(dunlin_driver, version);
	M(dunlin_driver, client);
	M(dunlin_driver, schemes);
	M(dunlin_driver, url_params);
	M(dunlin_driver, possible_caps);
	M(dunlin_driver, dialect);
	M(dunlin_driver, open);
	M(dunlin_driver, close);
	M(dunlin_driver, caps);
	M(dunlin_driver, exec);
	M(dunlin_driver, query);
	M(dunlin_driver, tx_state);
	M(dunlin_driver, begin);
	M(dunlin_driver, commit);
	M(dunlin_driver, rollback);
	M(dunlin_driver, savepoint);
	M(dunlin_driver, lock);
	M(dunlin_driver, unlock);
	M(dunlin_driver, lock_info);
	M(dunlin_driver, exec_many);
	M(dunlin_driver, reset_session);
	M(dunlin_driver, cancel);
	M(dunlin_driver, snapshot);
	M(dunlin_driver, probe);
	M(dunlin_driver, blockers);
	M(dunlin_driver, create_database);
	M(dunlin_driver, drop_database);
	M(dunlin_driver, scratch);
	M(dunlin_driver, lint);
	M(dunlin_driver, split);
	M(dunlin_driver, adopt_handle);
	M(dunlin_driver, drop_objects);
	M(dunlin_driver, probe_sql);
	M(dunlin_driver, goes_together);
	M(dunlin_driver, statement_max);
	return 0;
}
