/* SPDX-License-Identifier: MIT */
#ifndef TGV_TEST_SPEECH_H
#define TGV_TEST_SPEECH_H
/*
 * Something like speech, made up: voiced syllables with a gliding pitch and
 * vowels that change, hisses between them, pauses. The same every time.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>

struct tgv_speech {
    size_t at;
    double phase;
    uint32_t noise;
    double low[3][2]; /* state of the three resonators */
};

/* One sample of a resonator at hz with the given band width. */
static inline double tgv_speech_ring(double state[2], double in, double hz,
                                     double width)
{
    double r = exp(-3.14159265 * width / 48000);
    double y =
        in + 2 * r * cos(6.2831853 * hz / 48000) * state[0] - r * r * state[1];

    state[1] = state[0];
    state[0] = y;
    return y;
}

static inline void tgv_speech_make(struct tgv_speech *s, int16_t *pcm,
                                   size_t samples)
{
    static const double vowels[5][3] = {{730, 1090, 2440},
                                        {530, 1840, 2480},
                                        {390, 1990, 2550},
                                        {570, 840, 2410},
                                        {300, 870, 2240}};

    for (size_t i = 0; i < samples; i++, s->at++) {
        double t = (double)s->at / 48000;
        unsigned syllable = (unsigned)(t / 0.22);
        double u = t / 0.22 - syllable; /* place in the syllable */
        const double *v = vowels[syllable * 7 % 5];
        double pitch = 115 + 25 * sin(t * 1.7) - 20 * u;
        double loud = syllable % 6 == 5 ? 0 : sin(3.14159265 * u);
        double in;
        double y;

        s->noise = s->noise * 1664525u + 1013904223u;
        in = ((double)(s->noise >> 16) / 32768 - 1) *
             (syllable % 3 == 1 && u < 0.35 ? 0.6 : 0.02);
        s->phase += pitch / 48000;
        if (s->phase >= 1) {
            s->phase -= 1;
            if (u > 0.3 || syllable % 3 != 1)
                in += 12;
        }
        y = tgv_speech_ring(s->low[0], in, v[0], 80) +
            0.6 * tgv_speech_ring(s->low[1], in, v[1], 100) +
            0.3 * tgv_speech_ring(s->low[2], in, v[2], 140);
        y *= loud * 180;
        pcm[i] = (int16_t)(y > 30000 ? 30000 : y < -30000 ? -30000 : y);
    }
}

#endif
