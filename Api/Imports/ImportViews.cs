using FleetMdm.Api.Rest;
using FleetMdm.Storage.Imports;

namespace FleetMdm.Api.Imports;

/// <summary>A file of people and classes, with what applying it does.</summary>
public sealed record ImportView
{
    public required string Id { get; init; }
    /// <summary>preview: nothing is changed yet; applied: it was applied as a whole.</summary>
    [OneOf("preview", "applied")]
    public required string State { get; init; }
    [OneOf("csv", "oneRoster")]
    public required string Format { get; init; }
    /// <summary>The file is the whole list of its schools: who is not in it has left.</summary>
    public required bool Complete { get; init; }
    public required ImportCountsView Counts { get; init; }
    /// <summary>More than a tenth of the people of its schools would leave. To apply it, say how many: <c>removals</c>.</summary>
    public required bool RemovesMany { get; init; }
    /// <summary>Wrong lines; the first hundred.</summary>
    public required IReadOnlyList<ImportFault> Faults { get; init; }
    /// <summary>How many lines are wrong.</summary>
    public required long FaultCount { get; init; }
    /// <summary>It can be applied: no line is wrong, or wrong lines are left out.</summary>
    public required bool CanBeApplied { get; init; }
    /// <summary>How the file was read.</summary>
    public required IReadOnlyList<string> Remarks { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset? AppliedAt { get; init; }
    public string? AppliedBy { get; init; }
}

/// <summary>How many are new, differ, and go. Nobody is deleted: people who go have left, classes that go have ended.</summary>
public sealed record ImportCountsView
{
    public required long SchoolsAdded { get; init; }
    public required long PeopleAdded { get; init; }
    public required long PeopleChanged { get; init; }
    /// <summary>They have left.</summary>
    public required long PeopleRemoved { get; init; }
    public required long PeopleUnchanged { get; init; }
    public required long ClassesAdded { get; init; }
    public required long ClassesChanged { get; init; }
    /// <summary>They have ended.</summary>
    public required long ClassesRemoved { get; init; }
    /// <summary>Places of people in classes.</summary>
    public required long MembersAdded { get; init; }
    public required long MembersChanged { get; init; }
    public required long MembersRemoved { get; init; }

    internal static ImportCountsView Of(ImportCounts counts) => new()
    {
        SchoolsAdded = counts.SchoolsAdded,
        PeopleAdded = counts.PeopleAdded,
        PeopleChanged = counts.PeopleChanged,
        PeopleRemoved = counts.PeopleRemoved,
        PeopleUnchanged = counts.PeopleUnchanged,
        ClassesAdded = counts.ClassesAdded,
        ClassesChanged = counts.ClassesChanged,
        ClassesRemoved = counts.ClassesRemoved,
        MembersAdded = counts.MembersAdded,
        MembersChanged = counts.MembersChanged,
        MembersRemoved = counts.MembersRemoved,
    };
}

/// <summary>A person whom an import would change.</summary>
public sealed record ImportChangeView
{
    public required string SourceId { get; init; }
    public required string GivenName { get; init; }
    public required string FamilyName { get; init; }
    public string? School { get; init; }

    internal static ImportChangeView Of(ImportChange change) =>
        new() { SourceId = change.SourceId, GivenName = change.GivenName, FamilyName = change.FamilyName, School = change.School };
}

/// <summary>To apply an import.</summary>
public sealed record ImportApplyRequest
{
    /// <summary>How many people leave, as the preview said. Needed when <c>removesMany</c> is true.</summary>
    public long? Removals { get; init; }
}

/// <summary>What is kept of a file beside its rows.</summary>
internal sealed record ImportNotes(IReadOnlyList<ImportFault> Faults, int FaultCount, IReadOnlyList<string> Remarks, bool Skip);
