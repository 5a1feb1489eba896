using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Groups;

namespace FleetMdm.Storage.Assignments;

/// <summary>Turns the target of an assignment into a condition on <c>devices d</c>: the same for a preview, for a change and for one iPad that has changed.</summary>
internal static class AssignmentTargets
{
    /// <summary>The iPads that are enrolled, as <c>d</c>, and no channels of users.</summary>
    public const string Enrolled = $"{DeviceColumns.Joined} WHERE d.status = 2 AND d.id = d.device_id AND d.kind <> 3";

    /// <summary>The same iPads, once for each of their users that has a channel, as <c>u</c>.</summary>
    private const string EnrolledUsers = $"""
        {DeviceColumns.Joined}
        JOIN (SELECT c.id AS user_id, c.device_id AS ipad_id FROM devices c WHERE c.device_id <> c.id AND c.kind = 3 AND c.status = 2) u ON u.ipad_id = d.id
        WHERE d.status = 2 AND d.id = d.device_id AND d.kind <> 3
        """;

    /// <summary>iPads that have classes to know: of the one assignment that has no filter. Where there can be no profile, that of an earlier holder goes.</summary>
    public const string OfClassroom = " AND EXISTS (SELECT 1 FROM classroom_devices k WHERE k.device_id = d.id AND k.problem IS NULL)";

    /// <returns>What is found, and the column that says whose standing it is.</returns>
    public static (string Found, string Subject) Found(AssignmentChannel channel, string condition) =>
        channel == AssignmentChannel.User ? (EnrolledUsers + condition, "u.user_id") : (Enrolled + condition, "d.id");

    /// <param name="scope">Of the one who writes it: other groups do not exist. Null: it was written before.</param>
    /// <exception cref="FilterException">It names a group that does not exist, or one whose rule goes in a circle.</exception>
    public static async Task<FilterNode?> Node(Session s, AssignmentTarget target, Scope? scope = null)
    {
        var node = await Part(s, target.Filter, scope);
        try
        {
            if (await Part(s, target.Except, scope) is { } except) node = And(node, new FilterNot(except));
        }
        catch (FilterException e)
        {
            throw new FilterException(e.Position, e.Fault) { IsOfException = true };
        }

        if (target.SchoolId is not { } school) return node;
        var name = await s.Sql("SELECT name FROM schools WHERE id = @id").Text("@id", school).First(row => row.Text(0));
        return name is null ? new FilterNothing() : And(node, new FilterCondition(FilterField.School, FilterOperator.Equal, new FilterText(name)));
    }

    /// <summary>The same for one that stands: what cannot be used any more is for no iPad that it is not for already.</summary>
    /// <returns>Whether it can be used.</returns>
    public static async Task<(bool Usable, FilterNode? Node)> Standing(Session s, AssignmentTarget target)
    {
        try
        {
            return (true, await Node(s, target));
        }
        catch (FilterException)
        {
            return (false, null);
        }
    }

    /// <returns>A condition that begins with AND; empty: all.</returns>
    public static (string Condition, Action<Statement>? Bind) Condition(FilterNode? node, DateTimeOffset now, Database database, string prefix = "@f")
    {
        if (node is null) return ("", null);
        var (condition, bind) = FilterSql.Of(node, now, database, prefix);
        return (" AND " + condition, bind);
    }

    public static IReadOnlySet<FilterField> Fields(FilterNode? node) =>
        (node?.Leaves() ?? []).Select(leaf => leaf switch
        {
            FilterMembers => (FilterField?)FilterField.Group,
            FilterCondition condition => condition.Field,
            _ => null,
        }).OfType<FilterField>().ToHashSet();

    /// <summary>The groups that a target names, as a column keeps them.</summary>
    public static string Uses(AssignmentTarget target)
    {
        List<string> names =
        [
            .. new[] { target.Filter, target.Except }.OfType<string>().SelectMany(text => GroupRules.Names(FilterParser.Parse(text))).Distinct(StringComparer.Ordinal),
        ];
        return names.Count == 0 ? "" : $"\n{string.Join('\n', names)}\n";
    }

    private static async Task<FilterNode?> Part(Session s, string? text, Scope? scope) =>
        text is null ? null : await GroupRules.Expand(s, text, FilterParser.Parse(text), within: null, scope);

    private static FilterNode And(FilterNode? left, FilterNode right) => left is null ? right : new FilterAnd(left, right);
}
