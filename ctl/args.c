/* Arguments and output of commands. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "ctl.h"
#include "str.h"

#include "banned.h"

static const struct ctl_option *find(const struct ctl_option *options, const char *arg, size_t len)
{
	for (; options->name != NULL; options++)
		if (strlen(options->name) == len && strncmp(options->name, arg, len) == 0)
			return options;
	return NULL;
}

const struct err *ctl_options(int *argc, char **argv, const struct ctl_option *options, int min, int max)
{
	int left = 0;
	bool only_operands = false;

	for (int i = 0; i < *argc; i++) {
		const char *eq = strchr(argv[i], '=');
		const struct ctl_option *o;

		if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') {
			argv[left++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			only_operands = true;
			continue;
		}
		o = find(options, argv[i], eq != NULL ? (size_t)(eq - argv[i]) : strlen(argv[i]));
		if (o == NULL)
			return err_new(ERR_USAGE, "%s is not an option of this command", argv[i]);
		if (o->value == NULL && eq != NULL)
			return err_new(ERR_USAGE, "%s takes no argument", o->name);
		if (o->flag != NULL)
			*o->flag = true;
		if (o->value == NULL)
			continue;
		if (eq == NULL && i + 1 == *argc)
			return err_new(ERR_USAGE, "%s needs an argument", o->name);
		*o->value = eq != NULL ? eq + 1 : argv[++i];
	}
	*argc = left;
	if (left < min)
		return err_new(ERR_USAGE, "something is missing");
	if (left > max)
		return err_new(ERR_USAGE, "%s: one operand too many", argv[max]);
	return NULL;
}

const struct err *ctl_number(const char *name, const char *text, int64_t min, int64_t max, int64_t *out)
{
	if (text == NULL)
		return err_new(ERR_USAGE, "%s is required", name);
	if (!str_i64(text, min, max, out))
		return err_new(ERR_USAGE, "%s: \"%s\" is not a number from %lld to %lld", name, text,
		        (long long)min, (long long)max);
	return NULL;
}

void ctl_print(const char *s)
{
	for (size_t n = strlen(s), i = 0, len; i < n; i += len) {
		unsigned char c = (unsigned char)s[i];

		len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		if (len > n - i)
			len = 1;
		if (str_utf8(s + i, len) && !str_has_control(s + i, len)) {
			fwrite(s + i, 1, len, stdout);
		} else {
			len = 1;
			printf("\\x%02x", c);
		}
	}
}

const char *ctl_time(int64_t ms, char *out)
{
	char text[CLOCK_TEXT_SIZE];

	if (ms == 0)
		return "never";
	clock_text(ms, text);
	snprintf(out, 24, "%.10s %.8s", text, text + 11);
	return out;
}
