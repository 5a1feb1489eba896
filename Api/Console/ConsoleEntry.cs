using FleetMdm.Api.Access;

namespace FleetMdm.Api.Console;

/// <summary>A place of the console in its navigation. The room that owns the page adds it.</summary>
/// <param name="Order">From the top; on a phone the first <see cref="OnPhone"/> stand in the bar, the rest under "More".</param>
/// <param name="Path">Of its page; pages below it are part of the place.</param>
/// <param name="Icon">A path in a square of 20, drawn as a line.</param>
/// <param name="Key">Pressed after <c>g</c>, it leads there.</param>
/// <param name="Right">Who has it may open the place; null: everybody.</param>
/// <param name="ForSchools">False: not for those whose rights are for some schools, though they have the right.</param>
public sealed record ConsoleEntry(int Order, string Path, string Words, string Icon, char Key, string? Right = null, bool ForSchools = true)
{
    public bool IsOpenTo(FleetUser user) => (Right is null || user.May(Right)) && (ForSchools || user.IsOfDistrict);

    /// <summary>As many as a thumb can tell apart at 390 px, with "More" beside them.</summary>
    public const int OnPhone = 4;
}
