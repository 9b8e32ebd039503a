/* A guard. */
#ifndef GUARDED_H
#define GUARDED_H
#include "guarded.h"
#define GUARDED 42
#endif /* GUARDED_H */
