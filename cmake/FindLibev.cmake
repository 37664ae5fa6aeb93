# Finds libev, which ships no pkg-config file.
#
# Gives the target Libev::Libev, Libev_FOUND and Libev_VERSION.
find_path(Libev_INCLUDE_DIR ev.h PATH_SUFFIXES libev)
find_library(Libev_LIBRARY ev)
mark_as_advanced(Libev_INCLUDE_DIR Libev_LIBRARY)

if(Libev_INCLUDE_DIR)
  file(STRINGS ${Libev_INCLUDE_DIR}/ev.h lines REGEX "^#define EV_VERSION_(MAJOR|MINOR) [0-9]+$")
  string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" Libev_VERSION "${lines}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libev
  REQUIRED_VARS Libev_LIBRARY Libev_INCLUDE_DIR VERSION_VAR Libev_VERSION)

if(Libev_FOUND AND NOT TARGET Libev::Libev)
  add_library(Libev::Libev UNKNOWN IMPORTED)
  set_target_properties(Libev::Libev PROPERTIES
    IMPORTED_LOCATION ${Libev_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${Libev_INCLUDE_DIR})
endif()
