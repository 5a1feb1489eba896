using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// Compares a payload of a profile with the catalogue. <see cref="Profiles.ProfileInspection"/> looks at whole profiles.
/// </summary>
public static class PayloadCheck
{
    /// <summary>One payload, with the keys that all payloads have.</summary>
    public static Findings Check(PlistDictionary payload) => Best(payload).Findings;

    /// <summary>The same, and what the payload was taken for; null: the catalogue does not have its type.</summary>
    internal static (CatalogueType? Type, Findings Findings) Best(PlistDictionary payload)
    {
        if (payload.GetString("PayloadType") is not { } type)
            return (null, new Findings([new Finding("/PayloadType", "PayloadType is missing.")], []));
        if (!AppleCatalogue.Instance.Payloads.TryGetValue(type, out var known))
            return (null, new Findings([], [new Finding("/PayloadType", Unknown(type))]));

        // A payload that one variant explains is right.
        return known.Select(variant => ((CatalogueType?)variant, Against(payload, variant))).MinBy(one => (one.Item2.Problems.Count, one.Item2.Warnings.Count));
    }

    private static Findings Against(PlistDictionary payload, CatalogueType type)
    {
        var check = new CatalogueCheck(KeyNames.Apple);
        check.Keys(payload, type.Keys, "", type.Name);
        return check.Found;
    }

    private static string Unknown(string type)
    {
        var catalogue = AppleCatalogue.Instance;
        var shown = PlistText.Excerpt(type);
        if (catalogue.PayloadsElsewhere.TryGetValue(type, out var platforms) && platforms.Length > 0)
            return $"'{shown}' is not for iPads: Apple documents it for {platforms}.";
        var meant = Spelling.Nearest(type, catalogue.Payloads.Keys.Order(StringComparer.Ordinal)) is { } nearest ? $" Did you mean {nearest}?" : "";
        return $"'{shown}' is not known to the catalogue.{meant}";
    }

    /// <summary><c>/Proxies/0/Port</c> → <c>PayloadContent[2].Proxies[0].Port</c>.</summary>
    internal static Finding At(string place, Finding finding)
    {
        var steps = finding.Field.Split('/', StringSplitOptions.RemoveEmptyEntries)
            .Select(step => step.All(char.IsAsciiDigit) ? $"[{step}]" : $".{step}");
        return finding with { Field = (place + string.Concat(steps)).TrimStart('.') };
    }
}
