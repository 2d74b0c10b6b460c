#include "cli/run.h"

int main(int argc, char** argv) { return smallpond::RunCommandLine(argc, argv); }
