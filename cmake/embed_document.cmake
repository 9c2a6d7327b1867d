# cala_embed_document(<file> <symbol> <out-variable>): a text file as the function cala::api::<symbol>(), whose text
# ends with a NUL and stays where it is. The library's file has it packed; the first call unpacks it.
include(pack)

function(cala_embed_document file symbol out_variable)
  set(output ${PROJECT_BINARY_DIR}/generated_root/generated/${symbol}.cc)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  cala_pack(${file} bytes)
  file(SIZE ${file} size)
  file(CONFIGURE OUTPUT ${output} CONTENT
"#include \"base/inflate.h\"

namespace cala::api {

const char *${symbol}();

namespace {
constexpr std::uint8_t packed[] = {
@bytes@
};
char text[@size@ + 1];
}  // namespace

const char *${symbol}() {
  static constinit base::PackedText document(packed, std::span<char>(text).first(@size@));
  return document.unpacked() ? text : \"\";
}

}  // namespace cala::api
" @ONLY)
  set(${out_variable} ${output} PARENT_SCOPE)
endfunction()
