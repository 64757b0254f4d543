/*
 * section.c - what each directive line does where it stands.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include "section.h"

#include "error.h"

static int refuse(const struct section_scan *sc, uint32_t line, struct dunlin_error *err)
{
	error_at(err, sc->file, line, 1);
	return SPLIT_ERROR;
}

static int refuse_open_block(const struct section_scan *sc, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%s' has no 'end'", sc->block_name);
	error_hint(err, "Put '-- dunlin:end' where the lines for that driver end, before the section does.");
	return refuse(sc, sc->block_line, err);
}

static int begin_section(struct section_scan *sc, const struct directive *d, uint64_t off, uint64_t next_off,
                         uint32_t line, struct dunlin_error *err)
{
	if (sc->block_line)
		return refuse_open_block(sc, err);
	if (!sc->properties) {
		section_changed(sc->file, "read", err);
		return refuse(sc, line, err);
	}
	sc->next = (int)d->kind;
	sc->next_line = line;
	sc->next_off = off;
	sc->next_body = next_off;
	return SPLIT_END;
}

static int begin_block(struct section_scan *sc, const struct directive *d, uint32_t line, struct dunlin_error *err)
{
	int is_ours;

	if (sc->block_line) {
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
		          "'%s' inside the '%s' of line %u", d->name, sc->block_name, sc->block_line);
		error_hint(err, "Put '-- dunlin:end' before it: these blocks do not nest.");
		return refuse(sc, line, err);
	}
	is_ours = directive_selects(d, sc->env, err);
	if (is_ours < 0)
		return refuse(sc, line, err);
	if (!is_ours) {
		sc->n_skips++;
		return SPLIT_SKIP;
	}
	sc->block_line = line;
	sc->block_name = d->name;
	return SPLIT_GO_ON;
}

static int end_block(struct section_scan *sc, uint32_t line, struct dunlin_error *err)
{
	if (sc->block_line) {
		sc->block_line = 0;
		return SPLIT_GO_ON;
	}
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'end' without an 'only' or 'except' before it");
	error_hint(err, "Take the line out, or put '-- dunlin:only DRIVER' before the lines that it ends.");
	return refuse(sc, line, err);
}

static int add_property(struct section_scan *sc, const struct directive *d, uint32_t line, struct dunlin_error *err)
{
	sc->n_properties++;
	if (!sc->properties)
		return SPLIT_GO_ON;
	if (d->kind == DIRECTIVE_PLACEHOLDERS && sc->mode == FEED_PLAIN) {
		sc->needs_mask = 1;
		return SPLIT_END;
	}
	return directive_list_add(sc->properties, sc->arena, d, line, err) < 0 ? SPLIT_ERROR : SPLIT_GO_ON;
}

static int act(struct section_scan *sc, const struct directive *d, uint64_t off, uint64_t next_off,
               uint32_t line, struct dunlin_error *err)
{
	switch (d->kind) {
	case DIRECTIVE_UP:
	case DIRECTIVE_DOWN:
	case DIRECTIVE_VERIFY:
		return begin_section(sc, d, off, next_off, line, err);
	case DIRECTIVE_ONLY:
	case DIRECTIVE_EXCEPT:
		return begin_block(sc, d, line, err);
	case DIRECTIVE_END:
		return end_block(sc, line, err);
	case DIRECTIVE_STATEMENT_BEGIN:
		return SPLIT_RAW;
	case DIRECTIVE_STATEMENT_END:
		error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'statement-end' without a 'statement-begin' before it");
		error_hint(err, "Take the line out, or put '-- dunlin:statement-begin' before the statement.");
		return refuse(sc, line, err);
	default:
		return add_property(sc, d, line, err);
	}
}

static int on_directive(void *arg, const char *text, size_t len, uint64_t off, uint64_t next_off,
                        uint32_t line, struct dunlin_error *err)
{
	struct section_scan *sc = arg;
	struct directive d;
	int action;

	if (directive_parse(&d, text, len, err) < 0)
		return refuse(sc, line, err);
	action = act(sc, &d, off, next_off, line, err);
	if (action != SPLIT_ERROR && sc->seen &&
	    sc->seen(sc->seen_arg, d.kind, action == SPLIT_SKIP, line, err) < 0)
		return SPLIT_ERROR;
	return action;
}

int section_scan_open(struct section_scan *sc, uint64_t off, uint64_t end, uint32_t line, int mode,
                      struct dunlin_error *err)
{
	sc->next = -1;
	sc->needs_mask = 0;
	sc->n_properties = 0;
	sc->splitter = NULL;
	sc->mode = mode;
	sc->block_line = 0;
	sc->n_skips = 0;
	if (feed_restart(sc->feed, sc->env, sc->file, off, end, line, mode, err) < 0)
		return -1;
	return splitter_open(&sc->splitter, &(struct split_options){
		.dialect = sc->env->dialect,
		.read = feed_read, .read_arg = sc->feed,
		.directive = on_directive, .directive_arg = sc,
		.norm = sc->norm, .file = sc->file, .off = off, .line = line,
		.is_strict = !sc->env->is_kept_raw, .is_traitless = sc->is_traitless }, err);
}

int section_unclear(const char *file, uint32_t line, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION,
	          "a line that looks like a directive stands inside a quote, comment or block");
	error_hint(err, "With 'placeholders' that is not possible, since their values may hold quotes: indent the line.");
	error_at(err, file, line, 1);
	return -1;
}

/* The filter knows lines and the splitter knows quotes: where they disagree about
 * a block for other drivers, placeholders in it would be wrong. */
static int check_skips(const struct section_scan *sc, struct dunlin_error *err)
{
	uint32_t line;

	if (!sc->feed->filter || sc->mode == PLACEHOLDER_MASK || sc->needs_mask || sc->next >= 0)
		return 0;
	if (placeholder_filter_skips(sc->feed->filter, &line) == sc->n_skips)
		return 0;
	return section_unclear(sc->file, line, err);
}

int section_scan_next(struct section_scan *sc, struct split_statement *st, struct dunlin_error *err)
{
	int rc = splitter_next(sc->splitter, st, err);

	if (rc != 0)
		return rc;
	if (sc->block_line && !sc->needs_mask)
		return refuse_open_block(sc, err);
	return check_skips(sc, err) < 0 ? -1 : 0;
}

void section_scan_close(struct section_scan *sc)
{
	splitter_close(sc->splitter);
	sc->splitter = NULL;
}

int section_mode(const struct script_env *env, const struct script_section *sec)
{
	if (!sec->d.has_placeholders)
		return FEED_PLAIN;
	return env->is_kept_raw ? PLACEHOLDER_MASK : PLACEHOLDER_REPLACE;
}

int section_changed(const char *file, const char *verb, struct dunlin_error *err)
{
	error_set(err, DUNLIN_EXIT_INVALID, DUNLIN_CLASS_VALIDATION, "'%s' changed while it was being %s", file, verb);
	error_hint(err, "Run the command again: it reads the file anew.");
	error_at(err, file, 0, 0);
	return -1;
}
