using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.CatalogueGenerator;

/// <summary>The tables of facts, from Apple's schema.</summary>
internal static class CatalogueFiles
{
    /// <summary>Name of a file, folder of the schema, under which key a file of it names its type.</summary>
    private static readonly (string File, string Folder, string NameKey)[] Parts =
    [
        ("commands.json", "mdm/commands", "requesttype"),
        ("payloads.json", "mdm/profiles", "payloadtype"),
        ("declarations.json", "declarative/declarations", "declarationtype"),
        ("status.json", "declarative/status", "statusitemtype"),
    ];

    /// <param name="schemas">A folder of Apple's schema, then seeds, laid over it.</param>
    public static IEnumerable<(string Name, string Text)> Of(IReadOnlyList<string> schemas)
    {
        foreach (var (file, folder, nameKey) in Parts)
        {
            var facts = schemas.Select(schema => AppleSchema.Read(schema, folder, nameKey)).Aggregate((release, seed) => seed.Over(release));
            yield return (file, FactsWriter.Write(facts));
        }
    }
}
