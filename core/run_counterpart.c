/*
 * run_counterpart.c - reads the two sections of a migration that is applied in
 * part, to find where its down has to begin.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "run.h"

#include "counterpart.h"

#include <stdio.h>

static int add_section(struct counterpart *c, struct counterpart_side *side, const struct script_env *env,
                       const struct script_section *sec)
{
	struct script_reader *reader = NULL;
	struct script_statement st;
	int rc;

	if (script_reader_open(&reader, env, sec, NULL) < 0)
		return -1;
	while ((rc = script_reader_next(reader, &st, NULL)) > 0)
		if ((rc = counterpart_add(c, side, st.st.traits, st.st.text, st.st.len)) < 0)
			break;
	script_reader_close(reader);
	return rc;
}

int64_t step_down_start(const struct script_env *env, const struct script_section *up, const struct script_section *down,
                        int is_kept, int64_t k, char why[COUNTERPART_WHY])
{
	struct counterpart c = { .dialect = env->dialect };
	struct script_env down_env = *env;
	int64_t start = -1;

	down_env.is_from_ledger = is_kept;
	snprintf(why, COUNTERPART_WHY, "its statements could not be read");
	if (down->refused) /* it was never told apart which BEGIN is whose */
		snprintf(why, COUNTERPART_WHY, "its down could not run");
	else if (add_section(&c, &c.up, env, up) == 0 && add_section(&c, &c.down, &down_env, down) == 0)
		start = counterpart_start(&c, k, why);
	counterpart_clear(&c);
	return start;
}
