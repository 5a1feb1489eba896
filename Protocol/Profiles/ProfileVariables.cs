using System.Text;
using System.Text.RegularExpressions;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>A variable that cannot stand where it stands, or that nobody knows.</summary>
/// <param name="Path">As in <c>PayloadContent[0].Password</c>.</param>
public sealed record VariableFault(string Path, string Message);

/// <summary>
/// Variables in the texts of a profile, as in <c>{{serial}}</c>: each iPad gets its own value when the profile is delivered. They stand in texts only,
/// never in keys or data, and not in what tells profiles apart. A value is put into the text itself, so it cannot change the structure of the profile.
/// </summary>
public static partial class ProfileVariables
{
    public const string Serial = "serial";
    public const string Udid = "udid";
    public const string Name = "name";
    public const string Model = "model";
    public const string ModelName = "model name";
    public const string Product = "product";
    public const string OsVersion = "os version";
    public const string School = "school";
    public const string AssetTag = "asset tag";
    public const string Imei = "imei";
    public const string EnrolmentId = "enrolment id";

    /// <summary>Of the person who has the iPad, as the rest.</summary>
    public const string PersonName = "person name";
    public const string PersonGivenName = "person given name";
    public const string PersonFamilyName = "person family name";
    public const string PersonEmail = "person email";
    public const string PersonUserName = "person user name";
    /// <summary>The managed Apple Account.</summary>
    public const string PersonAccount = "person account";
    public const string PersonGrade = "person grade";
    /// <summary>In the school's own system.</summary>
    public const string PersonId = "person id";

    /// <summary>All of them, in the order in which people look for them.</summary>
    public static readonly IReadOnlyList<string> Known =
    [
        Serial, Name, AssetTag, School, Udid, Model, ModelName, Product, OsVersion, Imei, EnrolmentId,
        PersonName, PersonGivenName, PersonFamilyName, PersonEmail, PersonUserName, PersonAccount, PersonGrade, PersonId,
    ];

    /// <summary>What tells profiles and payloads apart must be the same on each iPad.</summary>
    private static readonly string[] Fixed = ["PayloadIdentifier", "PayloadType", "PayloadUUID"];

    /// <summary>Which variables stand in a profile, each once, in the order in which they are met.</summary>
    public static IReadOnlyList<string> In(PlistNode profile)
    {
        var found = new List<string>();
        Visit(profile, "", (_, _, name) =>
        {
            if (!found.Contains(name, StringComparer.Ordinal))
                found.Add(name);
        });
        return found;
    }

    /// <summary>What is wrong with the variables of a profile that is saved.</summary>
    public static IReadOnlyList<VariableFault> FaultsOf(PlistNode profile)
    {
        var faults = new List<VariableFault>();
        Visit(profile, "", (path, key, name) =>
        {
            if (!Known.Contains(name, StringComparer.Ordinal))
                faults.Add(new VariableFault(path, $"There is no variable {{{{{PlistText.Excerpt(name)}}}}}. There are {string.Join(", ", Known.Select(known => $"{{{{{known}}}}}"))}."));
            else if (Fixed.Contains(key, StringComparer.Ordinal))
                faults.Add(new VariableFault(path, $"{key} must be the same on each iPad: it cannot hold a variable."));
        });
        return faults;
    }

    /// <summary>The profile with the values of one iPad.</summary>
    /// <param name="values">By the names of <see cref="Known"/>. What is absent or blank is empty.</param>
    /// <param name="missing">The variables in it that are empty. Then the answer is null.</param>
    public static PlistDictionary? Expand(PlistDictionary profile, IReadOnlyDictionary<string, string?> values, out IReadOnlyList<string> missing)
    {
        missing = [.. In(profile).Where(name => !values.TryGetValue(name, out var value) || string.IsNullOrWhiteSpace(value))];
        return missing.Count > 0 ? null : (PlistDictionary)Expand(profile, values);
    }

    private static PlistNode Expand(PlistNode node, IReadOnlyDictionary<string, string?> values)
    {
        switch (node)
        {
            case PlistString { Value: var text } when text.Contains("{{", StringComparison.Ordinal):
                return Variable().Replace(text, match => Plain(values[NameOf(match)]!));
            case PlistArray array:
                return new PlistArray(array.Select(item => Expand(item, values)));
            case PlistDictionary dictionary:
                var expanded = new PlistDictionary();
                foreach (var (key, value) in dictionary)
                    expanded.Add(key, Expand(value, values));
                return expanded;
            default:
                return node;
        }
    }

    /// <summary>Without what XML cannot carry: iPads choose their own names.</summary>
    private static string Plain(string value)
    {
        if (PlistText.IndexOfForbidden(value) < 0)
            return value;
        var plain = new StringBuilder(value.Length);
        foreach (var rune in value.EnumerateRunes())
        {
            if (!Rune.IsControl(rune) && rune != Rune.ReplacementChar && rune.Value is not (0xFFFE or 0xFFFF))
                plain.Append(rune.ToString());
        }

        return plain.ToString();
    }

    private static void Visit(PlistNode node, string path, Action<string, string, string> found, string key = "")
    {
        switch (node)
        {
            case PlistString { Value: var text } when text.Contains("{{", StringComparison.Ordinal):
                foreach (Match match in Variable().Matches(text))
                    found(path, key, NameOf(match));
                break;
            case PlistArray array:
                for (var index = 0; index < array.Count; index++)
                    Visit(array[index], $"{path}[{index}]", found, key);
                break;
            case PlistDictionary dictionary:
                foreach (var (name, value) in dictionary)
                    Visit(value, path.Length > 0 ? $"{path}.{name}" : name, found, name);
                break;
        }
    }

    private static string NameOf(Match match) => match.Groups[1].Value.Trim().ToLowerInvariant();

    [GeneratedRegex(@"\{\{([^{}]{1,64})\}\}", RegexOptions.NonBacktracking)]
    private static partial Regex Variable();
}
