using System.Text.Json;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;

namespace FleetMdm.Storage.Groups;

/// <summary>Puts what a group means in the place of its name. Every statement that takes a filter does it first, in its own transaction.</summary>
internal static class GroupRules
{
    /// <summary>A rule may name groups, whose rules name groups, so deep.</summary>
    public const int MostDepth = 10;

    /// <summary>Of a filter, with the rules of all groups that it names.</summary>
    public const int MostConditions = 500;

    /// <exception cref="FilterException">It names a group that does not exist, or one whose rule goes in a circle.</exception>
    public static async Task<DeviceFilter> Expand(Session s, DeviceFilter filter) =>
        filter.Expression is { } expression && Names(expression.Node).Any()
            ? filter with { Expression = expression with { Node = await Expand(s, expression.Text, expression.Node, within: null, filter.Scope) } }
            : filter;

    /// <summary>The same, for an operation that was promised: a group that was deleted since leads to no iPad at all.</summary>
    public static async Task<DeviceFilter> ExpandOrNothing(Session s, DeviceFilter filter)
    {
        try
        {
            return await Expand(s, filter);
        }
        catch (FilterException)
        {
            return filter with { Expression = filter.Expression! with { Node = new FilterNothing() } };
        }
    }

    /// <param name="within">The group whose rule it is: it must not lead back to it.</param>
    /// <param name="scope">Of the one who wrote it: other groups do not exist for them. What those groups name is their own matter. Null: the whole district.</param>
    /// <exception cref="FilterException">It names a group that does not exist, or one whose rule goes in a circle.</exception>
    public static async Task<FilterNode> Expand(Session s, string text, FilterNode node, string? within, Scope? scope = null)
    {
        var known = new Dictionary<string, Known>(StringComparer.Ordinal);
        List<string> wanted = [.. Names(node)];
        for (var depth = 0; wanted.Count > 0; depth++)
        {
            if (depth == MostDepth) throw Fault(text, wanted[0], $"Groups name groups more than {MostDepth} deep.");
            foreach (var group in await Load(s, wanted, depth == 0 && scope is not null ? scope : Scope.District)) known[group.Key] = group;
            if (wanted.Find(key => !known.ContainsKey(key)) is { } missing) throw Fault(text, missing, $"No group is called \"{missing}\".");
            wanted = [.. wanted.SelectMany(key => known[key].Rule is { } rule ? Names(rule) : []).Distinct(StringComparer.Ordinal).Where(key => !known.ContainsKey(key))];
        }

        var left = MostConditions;
        return Put(node, [within ?? ""]);

        FilterNode Put(FilterNode one, IReadOnlyList<string> path) => one switch
        {
            FilterAnd and => new FilterAnd(Put(and.Left, path), Put(and.Right, path)),
            FilterOr or => new FilterOr(Put(or.Left, path), Put(or.Right, path)),
            FilterNot not => new FilterNot(Put(not.Inner, path)),
            FilterCondition { Field: FilterField.Group, Value: FilterText name } => OfGroup(known[Keys.Sort(name.Text)], path),
            _ when left-- > 0 => one,
            _ => throw new FilterException(0, $"With the rules of its groups, the filter has more than {MostConditions} conditions."),
        };

        FilterNode OfGroup(Known group, IReadOnlyList<string> path)
        {
            if (path.Contains(group.Id)) throw Fault(text, group.Key, $"The rule of the group \"{group.Name}\" leads back to itself.");
            var inner = group.Rule is { } rule ? Put(rule, [.. path, group.Id]) : Put(new FilterMembers(group.Id), path);
            return At(group.School, inner);
        }
    }

    /// <summary>A select of the ids of iPads that were put into a group by hand, or whose serial number was before they enrolled.</summary>
    /// <param name="group">An expression of the group's id.</param>
    public static string MembersOf(string group) => $"""
        SELECT m.device_id FROM device_group_members m WHERE m.group_id = {group}
        UNION ALL SELECT e.id FROM device_group_serials w JOIN devices e ON e.serial_number = w.serial_number AND e.id = e.device_id WHERE w.group_id = {group}
        """;

    /// <summary>Of a group that belongs to a school: only the school's iPads.</summary>
    public static FilterNode At(string? school, FilterNode node) =>
        school is null ? node : new FilterAnd(new FilterCondition(FilterField.School, FilterOperator.Equal, new FilterText(school)), node);

    /// <summary>The groups that a filter names, as their key.</summary>
    public static IEnumerable<string> Names(FilterNode node) =>
        from condition in node.Leaves().OfType<FilterCondition>()
        where condition is { Field: FilterField.Group, Value: FilterText }
        select Keys.Sort(((FilterText)condition.Value).Text);

    private static Task<List<Known>> Load(Session s, IReadOnlyList<string> keys, Scope scope) => s
        .Sql($"""
            SELECT g.id, g.name_key, g.name, g.rule, x.name FROM device_groups g LEFT JOIN schools x ON x.id = g.school_id
            WHERE g.name_key IN ({s.Database.JsonElements("@keys")}) AND {scope.Covers(s.Database, "g.school_id")}
            """)
        .Text("@keys", JsonSerializer.Serialize(keys)).Within(scope)
        .List(row => new Known(row.Text(0), row.Text(1), row.Text(2), row.TextOrNull(3) is { } rule ? FilterParser.Parse(rule) : null, row.TextOrNull(4)));

    private static FilterException Fault(string text, string key, string fault) =>
        new(Math.Max(0, text.IndexOf(key, StringComparison.OrdinalIgnoreCase)), fault);

    private sealed record Known(string Id, string Key, string Name, FilterNode? Rule, string? School);
}
