/*
 * execute.c - the observer of a run.
 *
 * Nothing here may stop a migration: a failed write is only remembered.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "execute.h"
#include "json.h"
#include "progress.h"

#include <string.h>

/* Widths grow as the lines come: nobody knows what is still to be printed. */
static size_t version_width, name_width;

static const struct {
	const char *event, *word;
	enum style style;
} words[] = {
	{ "migration.done", "applied", STYLE_GOOD },
	{ "migration.satisfied", "satisfied", STYLE_GOOD },
	{ "migration.baselined", "baseline", STYLE_GOOD },
	{ "migration.reverted", "reverted", STYLE_WARN },
	{ "migration.failed", "failed", STYLE_BAD },
	{ "revert.failed", "failed", STYLE_BAD },
};

#define WIDEST 64 /* a longer name moves its own line alone */

static size_t out_column(struct output *o, const char *s, size_t width)
{
	size_t w = safe_width(s, strlen(s));

	out_safe(o, s);
	if (w < width)
		out_pad(o, width - w);
	return w > width && w <= WIDEST ? w : width;
}

void print_migration_line(struct cli *c, enum style style, const char *word, const char *component,
                          const char *version, const char *name, int64_t ms)
{
	struct output *o = &c->out;
	char full[512], time[32];

	snprintf(full, sizeof full, "%s%s%s", component, *component ? "@" : "", version);
	out_style(o, style);
	out_printf(o, "%-8s", word);
	out_style(o, STYLE_PLAIN);
	out_printf(o, "  ");
	version_width = out_column(o, full, version_width);
	if (*name || ms >= 0) {
		out_printf(o, "  ");
		name_width = out_column(o, name, ms >= 0 ? name_width : 0) > name_width
			? safe_width(name, strlen(name)) : name_width;
	}
	if (ms >= 0)
		out_printf(o, "  %s", text_duration(ms, time));
	out_printf(o, "\n");
}

struct watch {
	struct cli *c;
	struct tally *tally;
};

static void count(struct tally *t, const struct dunlin_event *e)
{
	if (strcmp(e->event, "migration.done") == 0 || strcmp(e->event, "migration.satisfied") == 0)
		t->n_applied++;
	else if (strcmp(e->event, "migration.reverted") == 0)
		t->n_reverted++;
}

static void print_event(struct cli *c, const struct dunlin_event *e)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(e->event, words[i].event) == 0) {
			/* Of what was rolled back the ledger has no time. */
			int64_t ms = words[i].style == STYLE_BAD && e->execution_ms == 0 ? -1 : e->execution_ms;

			print_migration_line(c, words[i].style, words[i].word, e->component, e->version,
			                     e->name ? e->name : "", ms);
			return;
		}
	}
	if (!c->is_verbose)
		return;
	out_style(&c->out, STYLE_DIM);
	out_safe(&c->out, e->event);
	if (*e->version) {
		out_printf(&c->out, "  ");
		out_safe(&c->out, e->version);
	} else {
		out_printf(&c->out, "  run ");
		out_safe(&c->out, e->run_id);
	}
	out_style(&c->out, STYLE_PLAIN);
	out_printf(&c->out, "\n");
}

static void on_event(void *arg, const struct dunlin_event *e)
{
	struct watch *w = arg;
	struct cli *c = w->c;

	count(w->tally, e);
	if (c->format == FORMAT_TEXT && c->is_quiet)
		return;
	progress_pause(c);
	if (c->format == FORMAT_JSON) {
		json_print_line(c, json_event(e));
	} else {
		print_event(c, e);
		out_flush(&c->out);
	}
	progress_go_on(c);
}

static void on_progress(void *arg, const struct dunlin_progress *p)
{
	signals_in_flight(p->migrations_sent - p->migrations_done);
	progress_update(((struct watch *)arg)->c, p);
}

static void on_log(void *arg, int level, const char *text)
{
	log_line(((struct watch *)arg)->c, level, text);
}

int execute(struct cli *c, const struct dunlin_request *req, struct tally *tally, struct dunlin_error *err)
{
	struct watch w = { .c = c, .tally = tally };
	int rc;

	*tally = (struct tally){ 0 };
	dunlin_observe(c->d, &(struct dunlin_observer){
		.arg = &w, .event = on_event, .progress = on_progress, .log = on_log,
	});
	progress_start(c);
	rc = dunlin_execute(c->d, req, err);
	progress_end(c);
	signals_in_flight(0);
	observe_log(c);
	return rc;
}

void print_now_at(struct cli *c, const struct dunlin_summary *s)
{
	if (!s->current[0])
		return;
	out_printf(&c->out, "; now at ");
	out_safe(&c->out, s->current);
}
