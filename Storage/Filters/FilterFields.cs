using System.Globalization;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Incidents;

namespace FleetMdm.Storage.Filters;

/// <summary>What a value of a field is written as.</summary>
internal enum FilterValueKind
{
    Text,
    Word,
    Flag,
    Percent,
    Size,
    Age,
    Version,
}

/// <summary>One field as it is written and explained.</summary>
/// <param name="Operators">Which may stand behind it; <c>:</c> and <c>=</c> are one.</param>
/// <param name="Example">For people who wrote something else.</param>
/// <param name="Words">The values of a word.</param>
internal sealed record FilterFieldShape(
    FilterField Field, string Name, FilterValueKind Kind, FilterOperator[] Operators, string Example, params string[] Words);

/// <summary>The fields of the grammar, as data: a new one is a new line here and in <see cref="FilterSql"/>.</summary>
internal static class FilterFields
{
    /// <summary>Of incidents: of whatever kind.</summary>
    public const string AnyWord = "Any";

    private static readonly FilterOperator[] Only = [FilterOperator.Equal];
    private static readonly FilterOperator[] All = Enum.GetValues<FilterOperator>();
    private static readonly FilterOperator[] Unequal = [FilterOperator.Less, FilterOperator.LessOrEqual, FilterOperator.Greater, FilterOperator.GreaterOrEqual];

    public static readonly IReadOnlyList<FilterFieldShape> Shapes =
    [
        new(FilterField.Os, "os", FilterValueKind.Version, All, "os<17.5"),
        new(FilterField.Model, "model", FilterValueKind.Text, Only, "model:iPad14,1"),
        new(FilterField.Name, "name", FilterValueKind.Text, Only, "name:\"Room 12\""),
        new(FilterField.Serial, "serial", FilterValueKind.Text, Only, "serial:DMPX1234"),
        new(FilterField.School, "school", FilterValueKind.Text, Only, "school:Hillside"),
        new(FilterField.Status, "status", FilterValueKind.Word, Only, "status:enrolled", Enum.GetNames<EnrolmentStatus>()),
        new(FilterField.Kind, "kind", FilterValueKind.Word, Only, "kind:device", Enum.GetNames<EnrolmentKind>()),
        new(FilterField.Supervised, "supervised", FilterValueKind.Flag, Only, "supervised"),
        new(FilterField.Battery, "battery", FilterValueKind.Percent, Unequal, "battery<20"),
        new(FilterField.Storage, "storage", FilterValueKind.Size, Unequal, "storage<64GB"),
        new(FilterField.StorageFree, "storageFree", FilterValueKind.Size, Unequal, "storageFree<2GB"),
        new(FilterField.LastSeen, "lastSeen", FilterValueKind.Age, Unequal, "lastSeen>7d"),
        new(FilterField.HasApp, "hasApp", FilterValueKind.Text, Only, "hasApp:com.apple.Pages"),
        new(FilterField.MissingApp, "missingApp", FilterValueKind.Text, Only, "missingApp:com.apple.Pages"),
        new(FilterField.HasProfile, "hasProfile", FilterValueKind.Text, Only, "hasProfile:example.district.wifi"),
        new(FilterField.MissingProfile, "missingProfile", FilterValueKind.Text, Only, "missingProfile:example.district.wifi"),
        new(FilterField.PasscodeCompliant, "passcodeCompliant", FilterValueKind.Flag, Only, "passcodeCompliant"),
        new(FilterField.CertificateExpires, "certificateExpires", FilterValueKind.Age, [FilterOperator.Less, FilterOperator.LessOrEqual], "certificateExpires<30d"),
        new(FilterField.Group, "group", FilterValueKind.Text, Only, "group:\"Year 7\""),
        new(FilterField.Person, "person", FilterValueKind.Text, Only, "person:\"Ali Berg\""),
        new(FilterField.Assigned, "assigned", FilterValueKind.Flag, Only, "assigned:no"),
        new(FilterField.Overdue, "overdue", FilterValueKind.Flag, Only, "overdue"),
        new(FilterField.PersonLeft, "personLeft", FilterValueKind.Flag, Only, "personLeft"),
        new(FilterField.Campaign, "campaign", FilterValueKind.Text, Only, "campaign:8d9c1c5e-2f6c-4a46-9d0a-0a8b9f1d2c3e"),
        new(FilterField.Collected, "collected", FilterValueKind.Text, Only, "collected:8d9c1c5e-2f6c-4a46-9d0a-0a8b9f1d2c3e"),
        new(FilterField.Lost, "lost", FilterValueKind.Flag, Only, "lost"),
        new(FilterField.Incident, "incident", FilterValueKind.Word, Only, "incident:lost", [AnyWord, .. Enum.GetNames<IncidentKind>()]),
    ];

    private static readonly (string Unit, double InGigabytes)[] Sizes = [("KB", 1e-6), ("MB", 1e-3), ("GB", 1), ("TB", 1e3)];

    private static readonly (string Unit, TimeSpan Length)[] Ages =
        [("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1)), ("w", TimeSpan.FromDays(7))];

    private const double LargestSize = 1e6;

    /// <summary>Ten years.</summary>
    private static readonly TimeSpan LongestAge = TimeSpan.FromDays(3_660);

    public static FilterFieldShape? Find(string name) =>
        Shapes.FirstOrDefault(shape => string.Equals(shape.Name, name, StringComparison.OrdinalIgnoreCase));

    public static FilterFieldShape Of(FilterField field) => Shapes.First(shape => shape.Field == field);

    /// <summary>The value of a field from its text; null and a sentence when it is none.</summary>
    public static (FilterValue? Value, string? Fault) Read(FilterFieldShape shape, string text)
    {
        switch (shape.Kind)
        {
            case FilterValueKind.Text:
                return (new FilterText(text), null);
            case FilterValueKind.Word:
                var word = shape.Words.FirstOrDefault(known => string.Equals(known, text, StringComparison.OrdinalIgnoreCase));
                return word is null ? (null, $"{shape.Name} is one of {string.Join(", ", shape.Words)}.") : (new FilterText(word), null);
            case FilterValueKind.Flag:
                return text.ToUpperInvariant() switch
                {
                    "YES" or "TRUE" => (new FilterFlag(true), null),
                    "NO" or "FALSE" => (new FilterFlag(false), null),
                    _ => (null, $"{shape.Name} is yes or no."),
                };
            case FilterValueKind.Percent:
                return Number(text.EndsWith('%') ? text[..^1] : text) is >= 0 and <= 100 and var percent
                    ? (new FilterNumber(percent), null)
                    : (null, "A battery's charge is a number from 0 to 100.");
            case FilterValueKind.Size:
                return Scaled(text, Sizes.Select(size => (size.Unit, size.InGigabytes))) is >= 0 and <= LargestSize and var gigabytes
                    ? (new FilterNumber(gigabytes), null)
                    : (null, "A size is a number with KB, MB, GB or TB behind it, as in 2GB.");
            case FilterValueKind.Age:
                return Scaled(text, Ages.Select(age => (age.Unit, age.Length.TotalMinutes))) is >= 0 and var minutes && minutes <= LongestAge.TotalMinutes
                    ? (new FilterAge(TimeSpan.FromSeconds(Math.Round(minutes * 60))), null)
                    : (null, "A time is a number with m, h, d or w behind it, as in 7d, and at most ten years.");
            default:
                return VersionNumber.Range(text) is null ? (null, "A version is one to four numbers with dots between them, as in 17.5.") : (new FilterVersion(text), null);
        }
    }

    /// <summary>As it can be read again.</summary>
    public static string Write(FilterValue value) => value switch
    {
        FilterText text => text.Text,
        FilterVersion version => version.Text,
        FilterFlag flag => flag.Flag ? "yes" : "no",
        FilterAge age => (age.Age.TotalMinutes).ToString("R", CultureInfo.InvariantCulture) + "m",
        FilterNumber number => number.Number.ToString("R", CultureInfo.InvariantCulture),
        _ => "",
    };

    private static double? Scaled(string text, IEnumerable<(string Unit, double Factor)> units)
    {
        foreach (var (unit, factor) in units)
        {
            if (text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)) return Number(text[..^unit.Length].TrimEnd()) * factor;
        }

        return null;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;
}
