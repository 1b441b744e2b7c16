# What a wheel holds besides the Python sources: the package's own small tree gantry/{lib,libexec,share}, in which the library finds its parts.
set(module_folder gantry)
set_target_properties(gantry PROPERTIES VERSION ${PROJECT_VERSION_MAJOR})  # one file: a wheel holds no symbolic links
set_target_properties(gantry-python PROPERTIES INSTALL_RPATH "$ORIGIN/lib")
install(TARGETS gantry-python LIBRARY DESTINATION ${module_folder})
install(TARGETS gantry LIBRARY DESTINATION ${module_folder}/lib NAMELINK_SKIP)
set_target_properties(gantry_drawing PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS gantry_drawing LIBRARY DESTINATION ${module_folder}/lib)
install(TARGETS gantry-decode RUNTIME DESTINATION ${module_folder}/libexec/gantry)
install(DIRECTORY profiles DESTINATION ${module_folder}/share/gantry)
install(DIRECTORY models DESTINATION ${module_folder}/share/gantry FILES_MATCHING PATTERN "*.safetensors" PATTERN "*.md" PATTERN "manifest.json" PATTERN "LICENSE")
