# Compiles the files of a folder as one: what they include is parsed, and what they share of it is
# instantiated, once. The whole takes a fraction of the time; after a change to one file it takes longer.
# usage: compile_folders_at_once(TARGET ["FOLDER FOLDER…" …])
# The folders of one argument are compiled as one, those that no argument names each by itself.
function(compile_folders_at_once target)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources EXCLUDE REGEX "TARGET_OBJECTS")
  foreach(file IN LISTS sources)
    cmake_path(GET file PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder BASE_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}")
    set(group "${folder}")
    foreach(folders IN LISTS ARGN)
      if(" ${folders} " MATCHES " ${folder} ")
        set(group "${folders}")
      endif()
    endforeach()
    string(REGEX REPLACE "[^a-z_]+" "_" group "${group}")
    set_source_files_properties(${file} PROPERTIES UNITY_GROUP "${group}")
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # Of a private type in what looks like a header to the compiler.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
endfunction()
