using System.Globalization;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Storage.Filters;

/// <summary>
/// Turns a filter into a condition on <c>devices d</c> and <c>device_activity a</c>. Every value is a parameter. The rules
/// of groups stand in it already (<see cref="Groups.GroupRules"/>). What is not known of an iPad fulfils no
/// condition; <c>not</c> is carried down to the conditions, so that an iPad fulfils either a condition or its opposite, and the others can use an index.
/// </summary>
internal sealed class FilterSql
{
    private const int MostNameParts = 6;

    private readonly Database _database;
    private readonly DateTimeOffset _now;
    private readonly List<Action<Statement>> _binds = [];

    private readonly string _prefix;

    private FilterSql(Database database, DateTimeOffset now, string prefix) => (_database, _now, _prefix) = (database, now, prefix);

    /// <param name="prefix">Of the names of its parameters, where a statement has several filters.</param>
    public static (string Condition, Action<Statement> Bind) Of(FilterNode filter, DateTimeOffset now, Database database, string prefix = "@f")
    {
        var sql = new FilterSql(database, now, prefix);
        return (sql.Condition(filter, negated: false), statement =>
        {
            foreach (var bind in sql._binds) bind(statement);
        }
        );
    }

    private string Condition(FilterNode node, bool negated) => node switch
    {
        FilterNot not => Condition(not.Inner, !negated),
        FilterAnd and => $"({Condition(and.Left, negated)} {(negated ? "OR" : "AND")} {Condition(and.Right, negated)})",
        FilterOr or => $"({Condition(or.Left, negated)} {(negated ? "AND" : "OR")} {Condition(or.Right, negated)})",
        FilterMembers members => $"d.id {(negated ? "NOT IN" : "IN")} ({GroupRules.MembersOf(Id(members.GroupId))})",
        FilterNothing => "1 = 0",
        FilterCondition condition => negated ? $"({Leaf(condition)}) IS NOT TRUE" : $"({Leaf(condition)})",
        _ => throw new ArgumentOutOfRangeException(nameof(node)),
    };

    private string Leaf(FilterCondition condition) => condition.Field switch
    {
        FilterField.Os => Version(condition.Operator, VersionNumber.Range(((FilterVersion)condition.Value).Text)!.Value),
        FilterField.Model => Text(condition) is var model ? $"d.product_name = {model} OR d.model = {model} OR d.model_name = {model}" : "",
        FilterField.Name => Contains(condition),
        FilterField.Serial => $"d.serial_number = {Text(condition)}",
        FilterField.School => $"d.school = {Text(condition)}",
        FilterField.Status => $"d.status = {Number((short)Enum.Parse<EnrolmentStatus>(TextOf(condition)))}",
        FilterField.Kind => $"d.kind = {Number((short)Enum.Parse<EnrolmentKind>(TextOf(condition)))}",
        FilterField.Supervised => $"d.is_supervised = {Flag(condition)}",
        // As the index has it, which is of the few that are lost.
        FilterField.Lost => FlagOf(condition) ? "d.is_lost" : $"d.is_lost = {Bool(false)}",
        FilterField.Battery => $"d.battery_level {Sign(condition.Operator)} {Real(NumberOf(condition) / 100)}",
        FilterField.Storage => $"d.device_capacity {Sign(condition.Operator)} {Real(NumberOf(condition))}",
        FilterField.StorageFree => $"d.available_device_capacity {Sign(condition.Operator)} {Real(NumberOf(condition))}",
        FilterField.LastSeen => LastSeen(condition.Operator, Time(_now - AgeOf(condition))),
        FilterField.HasApp => Has(InventoryList.Apps, Text(condition)),
        FilterField.MissingApp => Missing(InventoryList.Apps, Text(condition)),
        FilterField.HasProfile => Has(InventoryList.Profiles, Text(condition)),
        FilterField.MissingProfile => Missing(InventoryList.Profiles, Text(condition)),
        FilterField.PasscodeCompliant =>
            $"EXISTS (SELECT 1 FROM inventory_items t WHERE t.device_id = d.id AND t.list = {(short)InventoryList.Security} AND t.key = 'PasscodeCompliant' AND t.value = {(FlagOf(condition) ? "'true'" : "'false'")})",
        FilterField.CertificateExpires =>
            $"EXISTS (SELECT 1 FROM inventory_items t WHERE t.device_id = d.id AND t.list = {(short)InventoryList.Certificates} AND t.expires_at {Sign(condition.Operator)} {Time(_now + AgeOf(condition))})",
        FilterField.Group => throw new InvalidOperationException("The rules of groups are put in before (GroupRules.Expand)."),
        FilterField.Person => Person(TextOf(condition)),
        FilterField.Assigned => $"d.device_id = d.id AND d.id {(FlagOf(condition) ? "" : "NOT ")}IN (SELECT h.device_id FROM holdings h WHERE h.returned_at IS NULL)",
        FilterField.Overdue => Held($"h.due_on {(FlagOf(condition) ? "<" : ">=")} {Day()}"),
        FilterField.PersonLeft => Held(FlagOf(condition)
            ? $"h.person_id NOT IN (SELECT p.id FROM people p WHERE p.active = {Bool(true)})"
            : $"h.person_id IN (SELECT p.id FROM people p WHERE p.active = {Bool(true)})"),
        FilterField.Campaign => $"d.id IN (SELECT y.device_id FROM campaign_devices y WHERE y.campaign_id = {Text(condition)})",
        FilterField.Collected => $"d.id IN (SELECT y.device_id FROM campaign_devices y WHERE y.campaign_id = {Text(condition)} AND y.collected_at IS NOT NULL)",
        FilterField.Incident =>
            $"d.id IN (SELECT i.device_id FROM incidents i WHERE i.closed_at IS NULL{(TextOf(condition) == FilterFields.AnyWord ? "" : $" AND i.kind = {Number((short)Enum.Parse<IncidentKind>(TextOf(condition)))}")})",
        _ => throw new ArgumentOutOfRangeException(nameof(condition)),
    };

    private static string Held(string condition) => $"d.id IN (SELECT h.device_id FROM holdings h WHERE h.returned_at IS NULL AND {condition})";

    /// <summary>By the id, or by parts of the name in any order: everybody may see names.</summary>
    private string Person(string text)
    {
        if (Guid.TryParseExact(text, "D", out var id)) return Held($"h.person_id = {Add((statement, name) => statement.Text(name, id.ToString("D")))}");
        var parts = text.Split(' ', MostNameParts, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part =>
            _database.Contains("people", "p", "sort_name", Add((statement, name) => statement.Text(name, Keys.Sort(part)))));
        return Held($"h.person_id IN (SELECT p.id FROM people p WHERE {string.Join(" AND ", parts)})");
    }

    /// <summary>Today.</summary>
    private string Day() => Add((statement, name) => statement.Text(name, _now.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));

    private string Version(FilterOperator sign, (long From, long To) range) => sign switch
    {
        FilterOperator.Less => $"d.os_number < {Long(range.From)}",
        FilterOperator.LessOrEqual => $"d.os_number < {Long(range.To)}",
        FilterOperator.Greater => $"d.os_number >= {Long(range.To)}",
        FilterOperator.GreaterOrEqual => $"d.os_number >= {Long(range.From)}",
        _ => $"d.os_number >= {Long(range.From)} AND d.os_number < {Long(range.To)}",
    };

    /// <summary>Silent for longer: as <see cref="DeviceFilter.SeenBefore"/>, never one that was not seen yet, or that enrolled since.</summary>
    private static string LastSeen(FilterOperator sign, string time) => sign is FilterOperator.Greater or FilterOperator.GreaterOrEqual
        ? $"a.last_seen_at < {time} AND (d.authenticated_at IS NULL OR d.authenticated_at < {time}) AND (d.enrolled_at IS NULL OR d.enrolled_at < {time})"
        : $"a.last_seen_at > {time}";

    private static string Has(InventoryList list, string key) =>
        $"EXISTS (SELECT 1 FROM inventory_items t WHERE t.device_id = d.id AND t.list = {(short)list} AND t.key = {key})";

    /// <summary>Of an iPad that has not told the list, nobody knows.</summary>
    private static string Missing(InventoryList list, string key) =>
        $"EXISTS (SELECT 1 FROM inventory_lists l WHERE l.device_id = d.id AND l.list = {(short)list}) AND NOT {Has(list, key)}";

    /// <summary>As <see cref="DeviceFilter.Query"/> looks.</summary>
    private string Contains(FilterCondition condition) => _database.Search(Add(
        (statement, name) => statement.Text(name, TextOf(condition).ToLowerInvariant())));

    private static string Sign(FilterOperator sign) => sign switch
    {
        FilterOperator.Less => "<",
        FilterOperator.LessOrEqual => "<=",
        FilterOperator.Greater => ">",
        FilterOperator.GreaterOrEqual => ">=",
        _ => "=",
    };

    private static string TextOf(FilterCondition condition) => ((FilterText)condition.Value).Text;

    private static double NumberOf(FilterCondition condition) => ((FilterNumber)condition.Value).Number;

    private static TimeSpan AgeOf(FilterCondition condition) => ((FilterAge)condition.Value).Age;

    private static bool FlagOf(FilterCondition condition) => ((FilterFlag)condition.Value).Flag;

    private string Id(string id) => Add((statement, name) => statement.Text(name, id));

    private string Text(FilterCondition condition) => Add((statement, name) => statement.Text(name, TextOf(condition)));

    private string Flag(FilterCondition condition) => Bool(FlagOf(condition));

    private string Bool(bool value) => Add((statement, name) => statement.Bool(name, value));

    private string Long(long value) => Add((statement, name) => statement.Long(name, value));

    private string Number(short value) => Add((statement, name) => statement.Short(name, value));

    private string Real(double value) => Add((statement, name) => statement.Double(name, value));

    private string Time(DateTimeOffset value) => Add((statement, name) => statement.Time(name, value));

    private string Add(Action<Statement, string> bind)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{_prefix}{_binds.Count}");
        _binds.Add(statement => bind(statement, name));
        return name;
    }
}
