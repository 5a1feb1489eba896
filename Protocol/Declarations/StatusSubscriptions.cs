using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Declarations;

/// <summary>What iPads are asked to report by themselves, each time that it changes: all single values that their iPadOS offers. No lists, which grow.</summary>
public static class StatusSubscriptions
{
    public const string Identifier = "fleetmdm.status";

    /// <summary>It is reported whether or not anybody asks.</summary>
    private const string Management = "management.";

    private static readonly Lazy<CatalogueType[]> Offered = new(() =>
    [
        .. AppleCatalogue.Instance.StatusItems.Values
            .Where(item => !item.Name.StartsWith("test.", StringComparison.Ordinal) && !item.Name.StartsWith(Management, StringComparison.Ordinal))
            .Where(item => item.Name is not ("mdm.push-magic" or "mdm.push-token" or "enhanced-logging.applecare-token"))
            .Where(item => (item.Keys.Count > 0 ? item.Keys[0].Type : item.Answer.Count > 0 ? item.Answer[0].Type : KeyType.Any) is KeyType.String or KeyType.Boolean or KeyType.Dictionary)
            .OrderBy(item => item.Name, StringComparer.Ordinal),
    ]);

    /// <summary>The names of the items that an iPad is asked for.</summary>
    /// <param name="known">Its version decides, and its enrolment.</param>
    /// <param name="supported">What it has said that it can report; null: it has not said.</param>
    public static IReadOnlyList<string> Items(KnownDevice known, IReadOnlySet<string>? supported) =>
    [
        .. Offered.Value.Where(item => supported?.Contains(item.Name) ?? Fits(item, known)).Select(item => item.Name),
    ];

    /// <summary>The declarations by which it is asked; none: there is nothing to ask for.</summary>
    public static IReadOnlyList<Declaration> Declarations(IReadOnlyList<string> items) => items.Count == 0
        ? []
        : DeclaredThing.Of(DeclaredThing.StatusSubscriptions, new PlistDictionary
        {
            ["StatusItems"] = new PlistArray(items.Select(name => (PlistNode)new PlistDictionary { ["Name"] = name })),
        }).Declarations(Identifier);

    private static bool Fits(CatalogueType item, KnownDevice known)
    {
        if (known.OsVersion is null)
            return item.On.Since == "15.0";
        if (CommandFitness.Misfits([new Requirement(RequirementKind.Since, item.Name, "", item.On.Since)], known).Count > 0)
            return false;
        return item.Enrolments.Count == 0
            || (known.Kind == KnownKind.UserEnrolment ? item.Enrolments.Contains("user") : item.Enrolments.Contains("device") || (known.IsSupervised == true && item.Enrolments.Contains("supervised")));
    }
}
