// Linked into the Python module only.
//
// Routes our calls of condition_variable::wait to the version of it that libstdc++ has had since
// 2011. g++ 12 would bind them to GLIBCXX_3.4.30, and the wheel would no longer be manylinux_2_34.
#if defined(__x86_64__) && defined(__linux__)

#define SMALLPOND_WAIT "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE"

extern "C" {
__asm__(".symver smallpond_wait_of_2011," SMALLPOND_WAIT "@GLIBCXX_3.4.11");
void smallpond_wait_of_2011(void* condition, void* lock);

__attribute__((visibility("hidden"))) void smallpond_wait(void* condition,
                                                          void* lock) __asm__(SMALLPOND_WAIT);
void smallpond_wait(void* condition, void* lock) { smallpond_wait_of_2011(condition, lock); }
}

#endif
