#pragma once

/// Marks what libsmallpond.so exports. Everything else is hidden.
#define SMALLPOND_API __attribute__((visibility("default")))
