# cala_embed_document(<file> <symbol> <out-variable>): a text file as the constant cala::api::<symbol>, NUL-terminated. Bytes become
# character literals one by one, so neither quotes nor the length of the file can matter.
function(cala_embed_document file symbol out_variable)
  set(output ${PROJECT_BINARY_DIR}/generated_root/generated/${symbol}.cc)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  file(CONFIGURE OUTPUT ${output} CONTENT
"namespace cala::api {
extern const char ${symbol}[];
const char ${symbol}[] = {
@bytes@'\\0'};
}  // namespace cala::api
" @ONLY)
  set(${out_variable} ${output} PARENT_SCOPE)
endfunction()
