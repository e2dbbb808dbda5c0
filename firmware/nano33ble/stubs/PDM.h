#ifndef KWS_STUB_PDM_H
#define KWS_STUB_PDM_H

#include <Arduino.h>

/* The library of the microphone, see Arduino.h. */
class PDMClass
{
  public:
    int begin(int channels, int sampleRate);
    int available();
    int read(void *buffer, size_t size);
    void onReceive(void (*function)(void));
};

extern PDMClass PDM;

#endif
