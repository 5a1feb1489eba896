using System.Globalization;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Catalogue;

/// <summary>
/// Compares the payloads of a profile with the catalogue. Whether an iPad takes a profile is the iPad's word: whoever sends one gets
/// what is found as a warning; whoever makes one may refuse the problems.
/// </summary>
public static class PayloadCheck
{
    /// <summary>More is not read by anybody, and an answer must not grow with what somebody sent.</summary>
    private const int MostFindings = 50;

    /// <summary>One payload, with the keys that all payloads have.</summary>
    public static Findings Check(PlistDictionary payload)
    {
        var catalogue = AppleCatalogue.Instance;
        if (payload.GetString("PayloadType") is not { } type)
            return new Findings([new Finding("/PayloadType", "PayloadType is missing.")], []);
        if (!catalogue.Payloads.TryGetValue(type, out var known))
            return new Findings([], [new Finding("/PayloadType", Unknown(type))]);

        // A payload that one variant explains is right.
        return known.Select(variant => Against(payload, variant)).MinBy(findings => (findings.Problems.Count, findings.Warnings.Count))!;
    }

    /// <summary>What is odd in a profile and its payloads, problems first, for whoever sends it. The place is as in <c>PayloadContent[0].SSID_STR</c>.</summary>
    /// <param name="profile">One that <see cref="Mdm.ProfileCheck"/> took.</param>
    internal static IReadOnlyList<Finding> Notice(PlistDictionary profile)
    {
        var problems = new List<Finding>();
        var warnings = new List<Finding>();
        var root = new CatalogueCheck(KeyNames.Apple);
        root.Keys(profile, AppleCatalogue.Instance.Profile.Keys, "", "the profile");
        Gather(root.Found, "");
        var payloads = profile.GetArray("PayloadContent")?.OfType<PlistDictionary>().ToList() ?? [];
        for (var index = 0; index < payloads.Count && problems.Count + warnings.Count < MostFindings; index++)
            Gather(Check(payloads[index]), string.Create(CultureInfo.InvariantCulture, $"PayloadContent[{index}]"));
        return [.. problems.Concat(warnings).Take(MostFindings)];

        void Gather(Findings findings, string place)
        {
            problems.AddRange(findings.Problems.Select(finding => At(place, finding)));
            warnings.AddRange(findings.Warnings.Select(finding => At(place, finding)));
        }
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
    private static Finding At(string place, Finding finding)
    {
        var steps = finding.Field.Split('/', StringSplitOptions.RemoveEmptyEntries)
            .Select(step => step.All(char.IsAsciiDigit) ? $"[{step}]" : $".{step}");
        return finding with { Field = (place + string.Concat(steps)).TrimStart('.') };
    }
}
