#ifndef KWS_SMOOTHING_H
#define KWS_SMOOTHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From a stream of scores to detections: scores are averaged over the last inferences, and the
   keyword with the highest average is detected if it is over its threshold; nothing is detected
   for a while thereafter. In integers, equal to kwslib.evaluation.smoothing bit for bit.
   Sources: G. Chen, C. Parada and G. Heigold, "Small-footprint keyword spotting using deep neural
   networks" (ICASSP 2014), 2.3, for the averages; RecognizeCommands of TensorFlow's speech
   example for the threshold and the suppression. */

#define KWS_SMOOTHING_LABELS 40     /* at most, _silence_ and _unknown_ among them */
#define KWS_SMOOTHING_INFERENCES 50 /* at most: a second of one every 20 ms */
#define KWS_SMOOTHING_KEYWORD 2     /* the first label that is detected */
#define KWS_NO_DETECTION (-1)

struct kws_smoothing {
    int32_t labels;     /* scores of an inference */
    int32_t inferences; /* that are averaged */
    int32_t oldest;     /* inference of the ring that the next one replaces */
    uint32_t refractory_ms, detected_ms;
    bool suppressed;    /* less than refractory_ms have passed since detected_ms */
    uint16_t thresholds[KWS_SMOOTHING_LABELS]; /* of each keyword, times inferences */
    uint16_t sums[KWS_SMOOTHING_LABELS];
    uint8_t ring[KWS_SMOOTHING_INFERENCES][KWS_SMOOTHING_LABELS]; /* probabilities in 1/256 */
};

/* Bytes of a struct kws_smoothing, for callers that know C's sizes no other way. */
size_t kws_smoothing_size(void);

/* Begins a stream. thresholds are probabilities in 1/256, one for each keyword: the first is that
   of label KWS_SMOOTHING_KEYWORD. refractory_ms is below 2^31. Returns whether the sizes fit. */
bool kws_smoothing_reset(struct kws_smoothing *smoothing, int32_t labels, int32_t inferences,
                         const uint8_t *thresholds, uint32_t refractory_ms);

/* Takes the network's int8 scores (256 * probability - 128), one for each label, and the time in
   milliseconds, which may wrap around. Returns the detected label or KWS_NO_DETECTION.
   Inferences that have not been yet count as probabilities of 0, so that a stream's first scores
   need as much evidence as later ones. Of equal averages the first label's wins. An average must
   be greater than its threshold. The first inference refractory_ms or more after a detection may
   detect again; a clock that goes backwards ends the wait at once. */
int32_t kws_smoothing_push(struct kws_smoothing *smoothing, const int8_t *scores,
                           uint32_t time_ms);

/* The average of a label over the last inferences, times their number, in 1/256. */
int32_t kws_smoothing_sum(const struct kws_smoothing *smoothing, int32_t label);

#endif
