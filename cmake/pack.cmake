# cala_pack(<file> <out-variable>): the bytes of a file, deflated, as the rows of a C array; base/inflate.h unpacks them.
function(cala_pack file out_variable)
  string(MD5 name ${file})
  set(archive ${CMAKE_CURRENT_BINARY_DIR}/packed-${name}.gz)
  file(ARCHIVE_CREATE OUTPUT ${archive} PATHS ${file} FORMAT raw COMPRESSION GZip COMPRESSION_LEVEL 9)
  file(READ ${archive} bytes HEX)
  file(REMOVE ${archive})
  # gzip's head, here without a name of the file, is 10 bytes, and its end 8.
  if(NOT bytes MATCHES "^1f8b0800")
    message(FATAL_ERROR "${file} was not packed as gzip does")
  endif()
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} - 36")
  string(SUBSTRING "${bytes}" 20 ${length} bytes)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(....................................................................................................)" "\\1\n"
         bytes "${bytes}")
  set(${out_variable} "${bytes}" PARENT_SCOPE)
endfunction()
