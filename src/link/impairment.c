/* SPDX-License-Identifier: MIT */
#include "link/link.h"

#include "base/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_MAX 1e6

struct profile {
    const char *name;
    double loss_pct, correlation_pct;
    double delay_ms, spread_ms; /* delay +- spread */
    double rate_kbit;
    unsigned phase_count;
    struct tgv_link_phase phases[TGV_PHASES_MAX];
};

/* Source: design page, table of profiles. */
static const struct profile profiles[] = {
    {"wifi", 0, 0, 0, 0, 0, 0, {{0}}},
    {"3g1", 9, 20, 0, 0, 44, 0, {{0}}},
    {"3g2", 17, 0, 0, 0, 29, 0, {{0}}},
    {"3g3", 12, 3, 0, 0, 32, 0, {{0}}},
    {"3g4", 18, 0, 0, 0, 32, 0, {{0}}},
    {"3gdelay", 17, 5, 500, 50, 0, 0, {{0}}},
    {"3goutage",
     3,
     10,
     0,
     0,
     64,
     2,
     {{TGV_S(3), 20, 0, 8}, {TGV_S(6), 3, 10, 64}}},
    {"edge1", 11, 0, 0, 0, 24, 0, {{0}}},
    {"edge2", 15, 5, 0, 0, 19, 0, {{0}}},
    {"gprs1", 20, 5, 0, 0, 17, 0, {{0}}},
    {"gprs2", 19, 5, 0, 0, 14, 0, {{0}}},
    {"gprs3", 40, 5, 500, 50, 8, 0, {{0}}},
};

#define PROFILE_COUNT (sizeof(profiles) / sizeof(profiles[0]))

static const char *const profile_names[PROFILE_COUNT + 1] = {
    "wifi",     "3g1",   "3g2",   "3g3",   "3g4",   "3gdelay",
    "3goutage", "edge1", "edge2", "gprs1", "gprs2", "gprs3",
};

void tgv_impairment_init(struct tgv_impairment *imp)
{
    *imp = (struct tgv_impairment){0};
}

const char *const *tgv_impairment_profiles(void)
{
    return profile_names;
}

bool tgv_impairment_is_null(const struct tgv_impairment *imp)
{
    for (unsigned i = 0; i < imp->phase_count; i++)
        if (imp->phases[i].loss_pct > 0 || imp->phases[i].rate_kbit > 0)
            return false;
    return !(imp->loss_pct > 0 || imp->delay_ms > 0 || imp->jitter_ms > 0 ||
             imp->reorder_pct > 0 || imp->dup_pct > 0 || imp->corrupt_pct > 0 ||
             imp->rate_kbit > 0 || imp->drift_ppm > 0 || imp->drift_ppm < 0 ||
             imp->blackout_count > 0);
}

/* Option, value and where to complain, for one tgv_impairment_set(). */
struct option {
    const char *name;
    const char *value;
    struct tgvoip_failure *failure;
};

static int refuse(const struct option *o, const char *format, ...)
    TGVOIP_PRINTF(2, 3);

static int refuse(const struct option *o, const char *format, ...)
{
    char what[sizeof(o->failure->what)], why[sizeof(o->failure->why)];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    snprintf(what, sizeof(what), "--%s", o->name);
    return tgv_fail(o->failure, TGVOIP_ERR_INVALID, what, "%s", why);
}

/* Decimal digits with an optional fraction; strtod() would heed the locale
 * and take "inf", "0x10" and " 1". */
static bool parse_number(const char *text, size_t len, double *out)
{
    double v = 0.0, unit = 1.0;
    size_t i = 0, digits = 0;
    bool negative = len > 0 && text[0] == '-', fraction = false;

    if (len > 0 && (text[0] == '-' || text[0] == '+'))
        i = 1;
    for (; i < len; i++) {
        if (text[i] == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || ++digits > 18)
            return false;
        v = v * 10.0 + (text[i] - '0');
        unit *= fraction ? 10.0 : 1.0;
    }
    *out = (negative ? -v : v) / unit;
    return digits > 0;
}

static int set_number(const struct option *o, const char *text, size_t len,
                      double min, double max, double *out)
{
    double v;

    if (!parse_number(text, len, &v))
        return refuse(o, "\"%.*s\" is not a number", (int)(len < 64 ? len : 64),
                      text);
    if (v < min || v > max)
        return refuse(o, "%.*s is out of range %.10g..%.10g", (int)len, text,
                      min, max);
    *out = v;
    return 0;
}

static int set_loss(struct tgv_impairment *imp, const struct option *o)
{
    const char *comma = strchr(o->value, ',');
    size_t len = comma ? (size_t)(comma - o->value) : strlen(o->value);
    double loss = 0.0, correlation = 0.0;
    int err = set_number(o, o->value, len, 0, 100, &loss);

    if (!err && comma)
        err = set_number(o, comma + 1, strlen(comma + 1), 0, 100, &correlation);
    if (err)
        return err;
    imp->loss_pct = loss;
    imp->loss_correlation_pct = correlation;
    for (unsigned i = 0; i < imp->phase_count; i++) {
        imp->phases[i].loss_pct = loss;
        imp->phases[i].loss_correlation_pct = correlation;
    }
    return 0;
}

static int set_rate(struct tgv_impairment *imp, const struct option *o)
{
    double rate = 0.0;
    int err = set_number(o, o->value, strlen(o->value), 0, 1e6, &rate);

    if (err)
        return err;
    if (rate > 0.0 && rate < 0.1)
        return refuse(o, "%s is out of range 0.1..1000000, or 0 for no limit",
                      o->value);
    imp->rate_kbit = rate;
    for (unsigned i = 0; i < imp->phase_count; i++)
        imp->phases[i].rate_kbit = rate;
    return 0;
}

static int set_burst(struct tgv_impairment *imp, const struct option *o)
{
    double burst = 0.0;
    int err = set_number(o, o->value, strlen(o->value), 0, 1e4, &burst);

    if (err)
        return err;
    if (burst > 0.0 && burst < 1.0)
        return refuse(o, "%s is out of range 1..10000, or 0 for no bursts",
                      o->value);
    imp->burst = burst;
    return 0;
}

static int add_blackout(struct tgv_impairment *imp, const struct option *o)
{
    const char *dash = strchr(o->value, '-');
    double from = 0.0, to = 0.0;
    int err;

    if (!dash || dash == o->value)
        return refuse(o, "\"%.64s\" is not of the form T0-T1", o->value);
    if (imp->blackout_count == TGV_BLACKOUTS_MAX)
        return refuse(o, "more than %d blackouts", TGV_BLACKOUTS_MAX);
    err = set_number(o, o->value, (size_t)(dash - o->value), 0, SECONDS_MAX,
                     &from);
    if (!err)
        err = set_number(o, dash + 1, strlen(dash + 1), 0, SECONDS_MAX, &to);
    if (err)
        return err;
    if (to <= from)
        return refuse(o, "\"%.64s\" ends before it starts", o->value);
    imp->blackouts[imp->blackout_count].from = (tgv_time)(from * TGV_US_PER_S);
    imp->blackouts[imp->blackout_count++].to = (tgv_time)(to * TGV_US_PER_S);
    return 0;
}

static int set_seed(struct tgv_impairment *imp, const struct option *o)
{
    uint64_t seed = 0;
    const char *p = o->value;

    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (seed > (UINT64_MAX - digit) / 10)
            return refuse(o, "%.64s is out of range 0..2^64-1", o->value);
        seed = seed * 10 + digit;
    }
    if (*p || p == o->value)
        return refuse(o, "\"%.64s\" is not a whole number", o->value);
    imp->seed = seed;
    return 0;
}

static int set_profile(struct tgv_impairment *imp, const struct option *o)
{
    for (size_t i = 0; i < PROFILE_COUNT; i++) {
        const struct profile *p = &profiles[i];
        if (strcmp(p->name, o->value) != 0)
            continue;
        imp->loss_pct = p->loss_pct;
        imp->loss_correlation_pct = p->correlation_pct;
        imp->delay_ms = p->delay_ms - p->spread_ms;
        imp->jitter_ms = 2 * p->spread_ms;
        imp->rate_kbit = p->rate_kbit;
        imp->phase_count = p->phase_count;
        memcpy(imp->phases, p->phases, sizeof(imp->phases));
        return 0;
    }
    return refuse(o,
                  "no profile \"%.32s\"; there are wifi, 3g1, 3g2, 3g3, 3g4, "
                  "3gdelay, 3goutage, edge1, edge2, gprs1, gprs2, gprs3",
                  o->value);
}

int tgv_impairment_set(struct tgv_impairment *imp, const char *option,
                       const char *value, struct tgvoip_failure *failure)
{
    const struct {
        const char *name;
        double min, max;
        double *field;
    } numbers[] = {
        {"delay", 0, 60000, &imp->delay_ms},
        {"jitter", 0, 60000, &imp->jitter_ms},
        {"reorder", 0, 100, &imp->reorder_pct},
        {"dup", 0, 100, &imp->dup_pct},
        {"corrupt", 0, 100, &imp->corrupt_pct},
        {"drift", -10000, 10000, &imp->drift_ppm},
    };
    static const struct {
        const char *name;
        int (*set)(struct tgv_impairment *imp, const struct option *o);
    } others[] = {
        {"loss", set_loss}, {"burst", set_burst},
        {"rate", set_rate}, {"blackout", add_blackout},
        {"seed", set_seed}, {"profile", set_profile},
    };
    struct option o = {option, value, failure};

    if (!value)
        return refuse(&o, "needs a value");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(option, numbers[i].name) == 0)
            return set_number(&o, value, strlen(value), numbers[i].min,
                              numbers[i].max, numbers[i].field);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(option, others[i].name) == 0)
            return others[i].set(imp, &o);
    return refuse(&o, "no such impairment");
}

/* Text that grows, counting like snprintf() what did not fit. */
struct text {
    char *buf;
    size_t size, len;
};

static void add(struct text *t, const char *format, ...) TGVOIP_PRINTF(2, 3);

static void add(struct text *t, const char *format, ...)
{
    bool fits = t->len < t->size;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(fits ? t->buf + t->len : NULL, fits ? t->size - t->len : 0,
                  format, args);
    va_end(args);
    if (n > 0)
        t->len += (size_t)n;
}

static void add_value(struct text *t, const char *name, double v,
                      const char *unit)
{
    if (v > 0 || v < 0)
        add(t, "%s %.10g %s, ", name, v, unit);
}

static void add_loss(struct text *t, double loss, double correlation)
{
    if (loss > 0)
        add(t, "loss %.10g %%", loss);
    if (loss > 0 && correlation > 0)
        add(t, " correlation %.10g %%", correlation);
}

static void add_phases(struct text *t, const struct tgv_impairment *imp)
{
    for (unsigned i = 0; i < imp->phase_count; i++) {
        const struct tgv_link_phase *p = &imp->phases[i];
        add(t, "from %.10g s ", (double)p->from / TGV_US_PER_S);
        add_loss(t, p->loss_pct, imp->burst > 0 ? 0 : p->loss_correlation_pct);
        if (p->rate_kbit > 0)
            add(t, " rate %.10g kbit/s", p->rate_kbit);
        add(t, ", ");
    }
}

int tgv_impairment_describe(const struct tgv_impairment *imp, char *text,
                            size_t size)
{
    struct text t = {text, size, 0};

    if (size)
        text[0] = 0;
    if (tgv_impairment_is_null(imp))
        add(&t, "no impairment, ");
    add_loss(&t, imp->loss_pct, imp->burst > 0 ? 0 : imp->loss_correlation_pct);
    if (imp->loss_pct > 0)
        add(&t, imp->burst > 0 ? " in bursts of %.10g, " : ", ", imp->burst);
    add_value(&t, "rate", imp->rate_kbit, "kbit/s");
    add_phases(&t, imp);
    add_value(&t, "delay", imp->delay_ms, "ms");
    add_value(&t, "jitter", imp->jitter_ms, "ms");
    add_value(&t, "reorder", imp->reorder_pct, "%");
    add_value(&t, "dup", imp->dup_pct, "%");
    add_value(&t, "corrupt", imp->corrupt_pct, "%");
    add_value(&t, "drift", imp->drift_ppm, "ppm");
    for (unsigned i = 0; i < imp->blackout_count; i++)
        add(&t, "blackout %.10g-%.10g s, ",
            (double)imp->blackouts[i].from / TGV_US_PER_S,
            (double)imp->blackouts[i].to / TGV_US_PER_S);
    add(&t, "seed %llu", (unsigned long long)imp->seed);
    return (int)t.len;
}
