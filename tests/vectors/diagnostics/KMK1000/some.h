#define SOME 1
