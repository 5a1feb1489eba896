using System.Globalization;
using System.Text;
using FleetMdm.Api.People;
using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Imports;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Api.Imports;

/// <summary>What is wrong with a line of a file.</summary>
/// <param name="File">In a zip: which file; null: there is one.</param>
/// <param name="Line">From 1; the heading is line 1.</param>
/// <param name="Column">As the heading names it; null: the line as a whole.</param>
/// <param name="Message">What is wrong.</param>
public sealed record ImportFault(string? File, int Line, string? Column, string Message);

/// <summary>A file of people and classes, read: what can be taken, and what is wrong with the rest.</summary>
internal sealed class PeopleFile
{
    public const int MostFaults = 100;

    /// <summary>Of people, and of places in classes: five for each.</summary>
    public const int MostPeople = 200_000;
    public const int MostMembers = 1_000_000;

    public required string Format { get; init; }
    public bool Complete { get; set; }
    public HashSet<string> Columns { get; } = [];
    public Dictionary<string, ImportedSchool> Schools { get; } = [];
    public Dictionary<string, ImportedPerson> People { get; } = new(StringComparer.Ordinal);
    public Dictionary<string, ImportedClass> Classes { get; } = new(StringComparer.Ordinal);
    public Dictionary<(string Class, string Person), ImportedMember> Members { get; } = [];
    public List<ImportFault> Faults { get; } = [];
    public int FaultCount { get; private set; }
    /// <summary>How it was read, for people: in words.</summary>
    public List<string> Remarks { get; } = [];

    private readonly Dictionary<string, int> _accounts = new(StringComparer.OrdinalIgnoreCase);

    public void Wrong(string? file, int line, string? column, string message)
    {
        FaultCount++;
        if (Faults.Count < MostFaults) Faults.Add(new ImportFault(file, line, column, message));
    }

    /// <summary>Checks a person as a form does, and takes them. False: something is wrong, which is noted.</summary>
    public bool Take(string? file, ImportedPerson person, Func<string, string> columnOf)
    {
        if (People.Count == MostPeople) throw new CsvException($"The file has more than {MostPeople} people. Split it.");
        foreach (var (field, value, longest) in (ReadOnlySpan<(string, string?, int)>)
        [
            ("sourceId", person.SourceId, PeopleService.LongestId), ("givenName", person.GivenName, PeopleService.LongestName), ("familyName", person.FamilyName, PeopleService.LongestName),
            ("username", person.Username, PeopleService.LongestAddress), ("email", person.Email, PeopleService.LongestAddress),
            ("managedAccount", person.ManagedAccount, PeopleService.LongestAddress), ("grade", person.Grade, PeopleService.LongestGrade),
        ])
        {
            if (value is not null && Fault(value, longest) is { } fault) return No(field, fault);
        }

        if (person.GivenName.Length + person.FamilyName.Length == 0) return No("familyName", "A given name or a family name is needed.");
        if (person.Email is { } email && !PeopleService.IsAddress(email)) return No("email", $"\"{Text.Printable(email, 40)}\" is no address.");
        if (person.ManagedAccount is { } account)
        {
            if (!PeopleService.IsAddress(account)) return No("managedAccount", $"\"{Text.Printable(account, 40)}\" is no address.");
            if (!_accounts.TryAdd(account, person.Line)) return No("managedAccount", $"Line {_accounts[account]} has this account already.");
        }

        if (People.TryGetValue(person.SourceId, out var other)) return No("sourceId", $"Line {other.Line} has this id already.");
        People.Add(person.SourceId, person);
        return true;

        bool No(string field, string message)
        {
            Wrong(file, person.Line, columnOf(field), message);
            return false;
        }
    }

    public void Take(ImportedMember member)
    {
        if (Members.Count == MostMembers) throw new CsvException($"The file has more than {MostMembers} places in classes. Split it.");
        var key = (member.ClassSourceId, member.PersonSourceId);
        // A teacher who is there as a pupil too is a teacher.
        if (!Members.TryGetValue(key, out var other) || (member.Active && (!other.Active || member.Role == PersonRole.Teacher))) Members[key] = member;
    }

    /// <summary>Null: it can be stored and shown.</summary>
    public static string? Fault(string value, int longest)
    {
        if (value.Length > longest) return string.Create(CultureInfo.InvariantCulture, $"It may have at most {longest} characters, but has {value.Length}.");
        foreach (var rune in value.EnumerateRunes())
        {
            if (Rune.IsControl(rune) || rune == Rune.ReplacementChar) return "It holds control characters, or text that is not valid Unicode.";
        }

        return null;
    }
}

/// <summary>The schools of the district, to be found by what a file calls them: id, then code, then name.</summary>
internal sealed class KnownSchools
{
    private readonly Dictionary<string, School> _bySource = new(StringComparer.Ordinal);
    private readonly Dictionary<string, School> _byCode = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, School> _byName = new(StringComparer.Ordinal);

    private KnownSchools()
    {
    }

    /// <param name="store">Of the district.</param>
    /// <param name="scope">What the reader's rights cover.</param>
    public static async Task<KnownSchools> Load(ISchoolStore store, Scope scope)
    {
        var known = new KnownSchools();
        for (School? after = null; await store.List(scope, null, null, after, Page.MostLimit) is { Count: > 0 } page; after = page[^1].School)
        {
            foreach (var (school, _, _, _) in page)
            {
                known._byName.TryAdd(school.Name, school);
                if (school.Code is { } code) known._byCode.TryAdd(code, school);
                if (school.SourceId is { } source) known._bySource.TryAdd(source, school);
            }
        }

        return known;
    }

    public School? BySource(string source) => _bySource.GetValueOrDefault(source);

    public School? ByCode(string? code) => code is null ? null : _byCode.GetValueOrDefault(code);

    public School? ByName(string name) => _byName.GetValueOrDefault(name);

    public School? Any(string text) => BySource(text) ?? ByCode(text) ?? ByName(text);
}
