using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Assignments;
using FleetMdm.Api.Commands;
using FleetMdm.Api.Devices;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.People;

namespace FleetMdm.Api.SharedIPads;

/// <summary>The users of a Shared iPad, for REST and for the console.</summary>
internal sealed class SharedIPadService(
    DeviceLookup lookup, CommandLog log, IInventoryStore inventory, IUserChannelStore channels, IAssignmentStore assignments, IPeopleStore people, TimeProvider time)
{
    /// <summary>Commands that are shown.</summary>
    private const int MostWaiting = 500;

    /// <summary>It is for whoever is there now. On an iPad that comes later it may be somebody else.</summary>
    private static readonly TimeSpan LogOutLasts = TimeSpan.FromMinutes(15);

    /// <exception cref="ApiProblem">404.</exception>
    public async Task<SharedIPadView> Get(FleetUser reader, string id)
    {
        var row = await lookup.Row(id);
        var list = (await inventory.FindLists(row.Id)).FirstOrDefault(one => one.List == InventoryList.Users);
        var told = list is null ? [] : await inventory.ListItems(row.Id, InventoryList.Users, null, InventoryReader.MostEntries);
        var known = (await channels.Find(row.Id))?.Users ?? [];
        var waiting = await channels.ListWaiting(row.Id, MostWaiting);
        var ofUser = waiting.ToLookup(one => one.UserId, StringComparer.Ordinal);
        var profiles = (await assignments.ListOfUsers(row.Id)).ToLookup(one => one.UserId, StringComparer.Ordinal);
        var users = told.Select(item => Of(item, known.FirstOrDefault(channel => SharedIPadUsers.IsSame(channel.ShortName, item.Key)), ofUser, profiles)).ToList();
        users.AddRange(known.Where(channel => (ofUser.Contains(channel.Id) || profiles.Contains(channel.Id)) && !told.Any(item => SharedIPadUsers.IsSame(channel.ShortName, item.Key)))
            .Select(channel => Of(null, channel, ofUser, profiles)));
        // Whose account it is tells the account of a person.
        if (reader.May(Rights.PeopleRead) && reader.May(Rights.PeopleReadContact))
        {
            var persons = (await people.ListByAccounts(reader.Scope, [.. users.Select(user => user.UserName)])).DistinctBy(one => one.ManagedAccount, StringComparer.OrdinalIgnoreCase)
                .ToDictionary(one => one.ManagedAccount!, StringComparer.OrdinalIgnoreCase);
            users = [.. users.Select(user => persons.TryGetValue(user.UserName, out var person) ? user with { PersonId = person.Id, Person = $"{person.GivenName} {person.FamilyName}".Trim() } : user)];
        }

        return new SharedIPadView
        {
            IsShared = row.IsShared,
            AsOf = list?.AsOf,
            Users = [.. users.OrderByDescending(user => user.IsLoggedIn).ThenBy(user => user.UserName, StringComparer.OrdinalIgnoreCase)],
            Cut = waiting.Count == MostWaiting,
        };
    }

    public Task<CommandAccepted> Refresh(HttpContext context, string id) => Send(context, id, CommandReader.Plain(SharedIPadUsers.UserList));

    public Task<CommandAccepted> LogOut(HttpContext context, string id) => Send(context, id, CommandReader.Plain(SharedIPadUsers.LogOutUser), time.GetUtcNow() + LogOutLasts);

    /// <summary>Refuses what the iPad would refuse, as far as it has told; the iPad decides.</summary>
    /// <exception cref="ApiProblem">400, 403, 404, 409, 422, 429: nothing was queued.</exception>
    public async Task<CommandAccepted> Delete(HttpContext context, string id, DeleteUsersRequest request)
    {
        CommandRights(context);
        var all = request.All == true;
        if (all == !string.IsNullOrWhiteSpace(request.UserName)) throw ApiProblem.Field("userName", "Send either userName or all.");
        var shared = await Get(FleetUser.Of(context), id);
        var name = request.UserName?.Trim();
        var concerned = shared.Users.Where(user => user.IsOnIPad && (all || SharedIPadUsers.IsSame(user.UserName, name))).ToList();
        if (!all && shared.AsOf is { } at && concerned.Count == 0)
            throw ApiProblem.Field("userName", $"The iPad named no such user when it told who is on it, {When(at)}. Refresh the list first.");
        if (concerned.Find(user => user.IsLoggedIn) is { } there)
        {
            throw ApiProblem.Conflict(ProblemCodes.UserSignedIn, "The user is logged in",
                $"{there.UserName} was logged in when the iPad told who is on it, {When(shared.AsOf)}. Nobody can delete a user who is logged in. Log the user out, or refresh the list.");
        }

        if (request.Force != true && concerned.FindAll(user => user.HasDataToSync) is [var first, ..] unsynced)
        {
            throw ApiProblem.Conflict(ProblemCodes.DataNotSynced, "Data would be lost",
                $"{(unsynced.Count == 1 ? first.UserName + " has" : $"{unsynced.Count} users have")} data that is not in iCloud yet. Wait until it is, or delete with force: then it is lost.");
        }

        var command = new Dictionary<string, object> { ["requestType"] = SharedIPadUsers.DeleteUser };
        if (all) command["deleteAllUsers"] = true;
        // As the iPad spells it.
        else command["userName"] = concerned is [var one] ? one.UserName : Text.Required("userName", name ?? "");
        if (request.Force == true) command["forceDeletion"] = true;
        return await Send(context, id, CommandReader.FromJson(JsonSerializer.SerializeToElement(command)));
    }

    private static void CommandRights(HttpContext context) => Access.CommandRights.Require(context, SharedIPadUsers.DeleteUser);

    private Task<CommandAccepted> Send(HttpContext context, string id, Protocol.Mdm.BuiltCommand command, DateTimeOffset? expires = null) =>
        CommandEndpoints.Enqueue(id, context, command, expires, push: true, lookup, log);

    private static SharedUserView Of(InventoryItem? item, UserChannel? channel, ILookup<string, UserWaitingRow> ofUser, ILookup<string, AssignmentUserRow> profiles)
    {
        var details = item is null ? default : JsonDocument.Parse(item.Details).RootElement;
        var waiting = channel is null ? [] : ofUser[channel.Id].ToList();
        var name = item?.Key ?? channel!.ShortName ?? channel!.Id;
        var isThere = Flag("isLoggedIn");
        var lastSeen = Later(channel?.LastSeenAt, channel?.TokenUpdatedAt);
        return new SharedUserView
        {
            UserName = name,
            Name = channel?.LongName,
            IsOnIPad = item is not null,
            IsLoggedIn = isThere,
            HasDataToSync = Flag("hasDataToSync"),
            DataUsed = Number("dataUsed"),
            DataQuota = Number("dataQuota"),
            LastSeenAt = lastSeen,
            EnrolmentId = channel is { Status: EnrolmentStatus.Enrolled or EnrolmentStatus.Authenticated } ? channel.Id : null,
            IsAwaiting = channel?.AwaitingConfiguration == true,
            Words = waiting.Count == 0 ? null : SharedIPadWords.Waits(name, isThere, lastSeen, waiting.Exists(one => one.NotNowCount > 0)),
            Waiting =
            [
                .. waiting.Select(one => new SharedUserCommandView
                {
                    CommandUuid = one.CommandUuid,
                    RequestType = one.RequestType,
                    Since = one.AcceptedAt,
                    NotNowCount = one.NotNowCount,
                    NotNowAt = one.NotNowAt,
                }),
            ],
            Profiles =
            [
                .. (channel is null ? [] : profiles[channel.Id]).Select(one => new SharedUserProfileView
                {
                    AssignmentId = one.Standing.AssignmentId,
                    Name = one.Name,
                    ProfileName = one.ProfileName,
                    State = AssignmentWords.State(one.Standing.State),
                    Since = one.Standing.ChangedAt,
                    Words = AssignmentWords.OfUser(one.Standing, name, isThere, lastSeen),
                    TriedAgainAt = AssignmentWords.TriedAgainAt(one.Standing),
                    CommandUuid = one.Standing.CommandUuid,
                }),
            ],
        };

        bool Flag(string key) => details.ValueKind == JsonValueKind.Object && details.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.True;

        // As the iPad said it: also with a fraction, or as large as no iPad is.
        long? Number(string key)
        {
            if (details.ValueKind != JsonValueKind.Object || !details.TryGetProperty(key, out var value) || value.ValueKind != JsonValueKind.Number) return null;
            if (value.TryGetInt64(out var whole)) return whole;
            return value.TryGetDouble(out var number) && Math.Abs(number) < long.MaxValue ? (long)number : null;
        }
    }

    private static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) => one is null || other > one ? other : one;

    private static string When(DateTimeOffset? at) => at is { } time ? time.UtcDateTime.ToString("d MMM yyyy HH:mm 'UTC'", CultureInfo.InvariantCulture) : "some time ago";
}

internal static class SharedIPadWords
{
    /// <summary>Why what waits for a user waits.</summary>
    public static string Waits(string userName, bool isLoggedIn, DateTimeOffset? lastSeen, bool putOff)
    {
        var seen = lastSeen is { } at ? $"last here {at.UtcDateTime.ToString("d MMM yyyy", CultureInfo.InvariantCulture)}" : "not seen here yet";
        if (!isLoggedIn) return $"Waits until {userName} logs in; {seen}.";
        return putOff ? $"{userName} was logged in, and the iPad puts it off: it is locked or busy." : $"{userName} was logged in: waits until the iPad connects.";
    }
}
