using CsCheck;
using FleetMdm.Storage.Filters;

namespace FleetMdm.Storage.Tests;

/// <summary>The filter that people write: what it means, and what is said of one that cannot be read.</summary>
public sealed class FilterParserTests
{
    private static string Read(string filter) => FilterParser.Write(FilterParser.Parse(filter));

    [Theory]
    [InlineData("os<17.5", "os<\"17.5\"")]
    [InlineData(" OS >= 18 ", "os>=\"18\"")]
    [InlineData("supervised", "supervised:\"yes\"")]
    [InlineData("supervised:no", "supervised:\"no\"")]
    [InlineData("not supervised", "not supervised:\"yes\"")]
    [InlineData("school!=Hillside", "not school:\"Hillside\"")]
    [InlineData("school:\"Hill \\\"side\\\" \\\\ 7\"", "school:\"Hill \\\"side\\\" \\\\ 7\"")]
    [InlineData("name:Åsa", "name:\"Åsa\"")]
    [InlineData("status:ENROLLED", "status:\"Enrolled\"")]
    [InlineData("storageFree<2000MB", "storageFree<\"2GB\"")]
    [InlineData("battery<20%", "battery<\"20\"")]
    [InlineData("lastSeen>2w", "lastSeen>\"20160m\"")]
    [InlineData("hasApp:com.apple.Pages", "hasApp:\"com.apple.Pages\"")]
    [InlineData("missingApp:not", "missingApp:\"not\"")]
    [InlineData("a and b or c", null)]
    [InlineData("supervised and battery<5 or os:17", "((supervised:\"yes\" and battery<\"5\") or os:\"17\")")]
    [InlineData("supervised or battery<5 os:17", "(supervised:\"yes\" or (battery<\"5\" and os:\"17\"))")]
    [InlineData("school:North supervised", "(school:\"North\" and supervised:\"yes\")")]
    [InlineData("not(supervised or os:17)and(kind:device)", "(not (supervised:\"yes\" or os:\"17\") and kind:\"Device\")")]
    [InlineData("not not supervised", "not not supervised:\"yes\"")]
    public void A_filter_is_read(string filter, string? read)
    {
        if (read is null) Assert.Throws<FilterException>(() => FilterParser.Parse(filter));
        else Assert.Equal(read, Read(filter));
    }

    [Theory]
    [InlineData("", 0, "The filter is empty.")]
    [InlineData("   ", 3, "The filter is empty.")]
    [InlineData("os<17.5 and", 11, "A condition is missing here.")]
    [InlineData("os<17.5 and oss:1", 12, "There is no field \"oss\". Did you mean os?")]
    [InlineData("colour:red", 0, "There is no field \"colour\". Fields are os, model,")]
    [InlineData("os<seventeen", 3, "A version is one to four numbers")]
    [InlineData("os<", 3, "A value is missing here, as in os<17.5.")]
    [InlineData("os", 2, "os needs a value, as in os<17.5.")]
    [InlineData("school<A", 6, "\"<\" does not go with school")]
    [InlineData("battery:20", 7, "\":\" does not go with battery")]
    [InlineData("battery<120", 8, "A battery's charge is a number from 0 to 100.")]
    [InlineData("storageFree<2", 12, "A size is a number with KB, MB, GB or TB behind it")]
    [InlineData("lastSeen>7", 9, "A time is a number with m, h, d or w behind it")]
    [InlineData("lastSeen>9999999999d", 9, "A time is a number with m, h, d or w behind it")]
    [InlineData("certificateExpires>30d", 18, "\">\" does not go with certificateExpires")]
    [InlineData("status:lost", 7, "status is one of Authenticated, Enrolled")]
    [InlineData("supervised:maybe", 11, "supervised is yes or no.")]
    [InlineData("(supervised", 0, "This parenthesis is not closed.")]
    [InlineData("supervised)", 10, "This parenthesis closes nothing.")]
    [InlineData("name:\"Room", 5, "These quotes are not closed.")]
    [InlineData("name:a<b", 6, "Put a value with '<' in quotes.")]
    [InlineData("name:\"a\u0007\"", 5, "The value holds control characters")]
    [InlineData("school:North School", 7, "Put a value with blanks in quotes: school:\"North School\".")]
    [InlineData("os:17 and school:North Hill 5 supervised", 17, "Put a value with blanks in quotes: school:\"North Hill 5\".")]
    [InlineData("(school = North Hill)", 10, "Put a value with blanks in quotes: school = \"North Hill\".")]
    [InlineData("school:North oss:1", 13, "There is no field \"oss\". Did you mean os?")]
    [InlineData("and supervised", 0, "A condition is missing before \"and\".")]
    [InlineData("supervised or or os:1", 14, "A condition is missing before \"or\".")]
    [InlineData("<5", 0, "A field is expected here")]
    public void What_cannot_be_read_is_said_with_the_character_that_is_to_blame(string filter, int position, string fault)
    {
        var said = Assert.Throws<FilterException>(() => FilterParser.Parse(filter));
        Assert.Equal(position, said.Position);
        Assert.StartsWith(fault, said.Fault);
        Assert.StartsWith($"At character {position + 1}: ", said.Message);
    }

    [Fact]
    public void Half_of_a_pair_is_no_text() => Assert.Equal(5, Assert.Throws<FilterException>(() => FilterParser.Parse("name:\"\ud800\"")).Position);

    [Fact]
    public void Length_depth_and_conditions_are_bounded()
    {
        Assert.Throws<FilterException>(() => FilterParser.Parse(new string('(', 1_000) + "supervised" + new string(')', 900)));
        Assert.Throws<FilterException>(() => FilterParser.Parse(string.Concat(Enumerable.Repeat("not ", 400)) + "supervised"));
        Assert.Throws<FilterException>(() => FilterParser.Parse(string.Join(" or ", Enumerable.Repeat("supervised", FilterParser.MostConditions + 1))));
        Assert.Throws<FilterException>(() => FilterParser.Parse("name:" + new string('x', FilterParser.LongestFilter)));
        FilterParser.Parse(string.Join(" or ", Enumerable.Repeat("supervised", FilterParser.MostConditions)));
    }

    [Fact]
    public void What_is_written_is_read_as_the_same() => FilterSamples.Filters.Sample(filter =>
    {
        var text = FilterParser.Write(filter);
        if (text.Length <= FilterParser.LongestFilter) Assert.Equal(filter, FilterParser.Parse(text));
    });

    [Fact]
    public void Any_text_is_a_filter_or_a_fault_within_it() => Gen.OneOf(
        Gen.String,
        Gen.OneOf("os", "<", "17.5", "and", "or", "not", "(", ")", " ", "\"", "\\", "name", ":", "supervised", "!=", "é", "\ud83d").Array[0, 15].Select(string.Concat)).Sample(text =>
    {
        try
        {
            FilterParser.Parse(text);
        }
        catch (FilterException e)
        {
            Assert.InRange(e.Position, 0, text.Length);
            Assert.EndsWith(".", e.Fault);
        }
    });

    [Theory]
    [InlineData("17.5", "17.10")]
    [InlineData("9.3", "10.0")]
    [InlineData("17.5", "17.5.1")]
    [InlineData("17.5.1", "17.6")]
    [InlineData("17.999", "18")]
    public void Versions_are_compared_by_their_numbers(string less, string more) => Assert.True(VersionNumber.Of(less) < VersionNumber.Of(more));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("17.")]
    [InlineData("17.5b")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1234")]
    [InlineData("-1")]
    [InlineData(" 18.3")]
    [InlineData("18.3\n")]
    public void What_is_no_version_has_no_number(string? text) => Assert.Null(VersionNumber.Of(text));

    [Fact]
    public void A_rule_that_was_written_with_leading_zeros_goes_on() => Assert.Equal(VersionNumber.Of("18.3"), VersionNumber.Of("018.03"));
}

/// <summary>Random filters.</summary>
internal static class FilterSamples
{
    private static readonly Gen<FilterCondition> Conditions = Gen.OneOf(
        Gen.Select(Gen.OneOf(Enum.GetValues<FilterOperator>()), Gen.OneOf("9", "17", "17.5", "17.10", "18.1.1"))
            .Select(pair => new FilterCondition(FilterField.Os, pair.Item1, new FilterVersion(pair.Item2))),
        Gen.Select(Gen.OneOf(FilterField.Model, FilterField.Serial, FilterField.School, FilterField.HasApp, FilterField.MissingApp, FilterField.HasProfile, FilterField.MissingProfile, FilterField.Name, FilterField.Person),
                Gen.OneOf("iPad14,1", "North", "org.a", "org.b", "p.1", "Rum 7 \"Å\"", "s1", "s2", "\\"))
            .Select(pair => new FilterCondition(pair.Item1, FilterOperator.Equal, new FilterText(pair.Item2))),
        Gen.OneOf("Any", "Lost", "InRepair", "Other").Select(word => new FilterCondition(FilterField.Incident, FilterOperator.Equal, new FilterText(word))),
        Gen.OneOf("Enrolled", "Unenrolled").Select(word => new FilterCondition(FilterField.Status, FilterOperator.Equal, new FilterText(word))),
        Gen.Select(Gen.OneOf(FilterField.Supervised, FilterField.PasscodeCompliant, FilterField.Assigned, FilterField.Overdue, FilterField.PersonLeft), Gen.Bool)
            .Select(pair => new FilterCondition(pair.Item1, FilterOperator.Equal, new FilterFlag(pair.Item2))),
        Gen.Select(Gen.OneOf(FilterField.Battery, FilterField.Storage, FilterField.StorageFree),
                Gen.OneOf(FilterOperator.Less, FilterOperator.LessOrEqual, FilterOperator.Greater, FilterOperator.GreaterOrEqual), Gen.OneOf(0.0, 12.5, 50, 64))
            .Select(one => new FilterCondition(one.Item1, one.Item2, new FilterNumber(one.Item3))),
        Gen.Select(Gen.OneOf(FilterOperator.Less, FilterOperator.Greater), Gen.Int[1, 30])
            .Select(pair => new FilterCondition(FilterField.LastSeen, pair.Item1, new FilterAge(TimeSpan.FromDays(pair.Item2)))),
        Gen.Int[1, 60].Select(days => new FilterCondition(FilterField.CertificateExpires, FilterOperator.Less, new FilterAge(TimeSpan.FromDays(days)))));

    public static readonly Gen<FilterNode> Filters = Gen.Recursive<FilterNode>((depth, filter) => depth >= 4
        ? Conditions.Select(condition => (FilterNode)condition)
        : Gen.Frequency(
            (2, Conditions.Select(condition => (FilterNode)condition)),
            (1, filter.Select(inner => (FilterNode)new FilterNot(inner))),
            (2, Gen.Select(filter, filter).Select(pair => (FilterNode)new FilterAnd(pair.Item1, pair.Item2))),
            (2, Gen.Select(filter, filter).Select(pair => (FilterNode)new FilterOr(pair.Item1, pair.Item2)))));
}
