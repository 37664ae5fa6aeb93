# `cpack` in a configured build folder makes a Debian package of what `cmake --install` installs.
#
# Version, maintainer and date come from the first entry of cmake/debian/changelog, which must be
# about the version of this project. Configure with the preset "package": it builds for /usr and /etc,
# and without debug information, whose paths would make each folder's package another.
set(debian ${PROJECT_SOURCE_DIR}/cmake/debian)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${debian}/changelog)
file(READ ${debian}/changelog changelog)
if(NOT changelog MATCHES "^echotimed \\(([^-)]+)-([^-)]+)\\)[^\n]*\n.*")
  message(FATAL_ERROR "cmake/debian/changelog does not begin with echotimed (VERSION-REVISION)")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CMAKE_MATCH_2})
if(NOT CMAKE_MATCH_1 VERSION_EQUAL PROJECT_VERSION)
  message(FATAL_ERROR "cmake/debian/changelog begins with version ${CMAKE_MATCH_1}, and the project "
                      "is ${PROJECT_VERSION}: write the new entry")
endif()
if(NOT changelog MATCHES "\n -- ([^\n]*>)  ([^\n]*)\n")
  message(FATAL_ERROR "the first entry of cmake/debian/changelog has no line -- NAME <ADDRESS>  DATE")
endif()
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CMAKE_MATCH_1})
set(ETD_CHANGELOG_DATE ${CMAKE_MATCH_2})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME echotimed)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${CPACK_DEBIAN_PACKAGE_MAINTAINER})
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_STRIP_FILES ON)
# /etc and /lib stand beside the prefix.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_BINARY_DIR}/DebianFiles.cmake)
configure_file(${debian}/DebianFiles.cmake.in DebianFiles.cmake @ONLY)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "far end to test against: echo and time over TCP and UDP")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Answers what is sent to it, or tells the time, so that reachability,
firewalls, load balancers, NAT time-outs, path MTU, latency, loss and clock
offset can be tested against a peer that behaves well.
.
Services: echo (RFC 862), discard (RFC 863), daytime (RFC 867), time
(RFC 868), a text query for the time, NTP (RFC 5905) and STAMP (RFC 8762).
TCP streams are cut into messages by line or length prefix, with time-outs,
limits and backpressure; UDP services cannot be made to answer each other,
nor to amplify.
.
As installed it listens on the loopback addresses 127.0.0.1:8080 (TCP echo)
and 127.0.0.1:9000 (UDP time); /etc/echotimed/echotimed.ini says where else.")
include(CPack)
