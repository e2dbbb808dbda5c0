/* CMSIS-NN includes <math.h>; the functions that are measured here use none of it. */
