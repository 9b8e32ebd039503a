#ifndef GUARDED
#define GUARDED
#include "guarded.h"
#endif
