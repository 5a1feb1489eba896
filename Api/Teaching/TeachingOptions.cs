namespace FleetMdm.Api.Teaching;

/// <summary>Section <c>Teaching</c>: what teachers do at <c>/teach</c>.</summary>
public sealed class TeachingOptions
{
    public const string Section = "Teaching";

    /// <summary>Outside the school's hours teachers look, and do nothing. Of a school without hours, they do so at any time.</summary>
    public bool OnlyInSchoolHours { get; set; } = true;
}
