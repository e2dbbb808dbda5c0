#ifndef KWS_SINGLE_PRECISION_H
#define KWS_SINGLE_PRECISION_H

/* Arithmetic in single precision with the same bits everywhere: every operation is rounded by
   itself, products are never contracted with sums to a fused multiply-add, whatever the flags. */

#if defined(__FLT_EVAL_METHOD__) && (__FLT_EVAL_METHOD__ == 1 || __FLT_EVAL_METHOD__ == 2)
#error "float expressions are evaluated in another precision here; the image would differ"
#endif
#if defined(__FAST_MATH__)
#error "compile without -ffast-math; the image would differ from the reference"
#endif

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#define KWS_ROUNDED(product)
/* gcc knows no pragma against contraction, but does not look through assembly. */
#elif defined(__arm__)
#define KWS_ROUNDED(product) __asm__("" : "+t"(product))
#elif defined(__aarch64__)
#define KWS_ROUNDED(product) __asm__("" : "+w"(product))
#elif defined(__x86_64__)
#define KWS_ROUNDED(product) __asm__("" : "+x"(product))
#else
#error "tell here how this compiler keeps a product from being contracted with a sum"
#endif

/* a * b, rounded. */
static inline __attribute__((always_inline, unused)) float kws_product(float a, float b)
{
    float product = a * b;
    KWS_ROUNDED(product);
    return product;
}

#endif
