using FleetMdm.CatalogueGenerator;

return args switch
{
    ["facts", var output, .. { Length: > 0 } schemas] => Facts(output, schemas),
    ["pages", var output] => Pages(output),
    _ => Usage(),
};

static int Facts(string output, string[] schemas)
{
    foreach (var schema in schemas)
    {
        if (!Directory.Exists(Path.Combine(schema, "mdm")))
        {
            Console.Error.WriteLine($"{schema} has no folder mdm: it is not Apple's schema.");
            return 1;
        }
    }

    foreach (var (name, text) in CatalogueFiles.Of(schemas))
        File.WriteAllText(Path.Combine(output, name), text);
    return 0;
}

static int Pages(string output)
{
    Directory.CreateDirectory(output);
    foreach (var (name, text) in ReferencePages.All())
        File.WriteAllText(Path.Combine(output, name), text);
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("""
        dotnet run --project scripts/CatalogueGenerator -- facts Protocol/Catalogue/Facts SCHEMA [SEED …]
          Writes the tables of facts from Apple's schema. SCHEMA is a copy of https://github.com/apple/device-management.
          A SEED (a later, partial schema) is laid over it: its new types, keys, lists of values and deprecations.

        dotnet run --project scripts/CatalogueGenerator -- pages docs/reference
          Writes the reference pages from the tables that are built in.
        """);
    return 2;
}
