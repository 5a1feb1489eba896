using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Inventory;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.People;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Devices;

// The users of a Shared iPad. In the iPad's own grain:
//
//   1. deleted   the iPad says that it has deleted a user: the user's channel ends, and what waited for the user with it, before the answer counts
//   2. listed    its list of users lacks somebody who has a channel and was not there since it was asked: likewise (UserChannelPart.Gone)
//   3. asked     after a user was deleted or logged out it is asked for the list anew
//
// In the grain of a user:
//
//   4. let in    a user whose login the iPad holds up goes on when the commands of this user were handed over: queued with the login, and the last of the queue (DeviceQueue.Next)
//   5. logged in what is assigned to the user is looked at anew: while the user was away, the user's groups, or what they get, may have changed

internal sealed partial class DeviceGrain
{
    private static readonly byte[] WhoIsThere = Plain(SharedIPadUsers.UserList);
    private static readonly byte[] LetIn = Plain(SharedIPadUsers.UserConfigured);

    private bool IsUserAwaiting => IsUserChannel && _row is { Status: EnrolmentStatus.Enrolled, AwaitingConfiguration: true };

    /// <summary>Steps 1 and 2. If this fails, the iPad's message does too: it comes again.</summary>
    /// <param name="asked">When the command was handed over, or before; null: nobody knows, and a list says nothing.</param>
    private async Task EndGoneUsers(string requestType, byte[] bodyHash, DateTimeOffset? asked, CommandReportMessage report, DateTimeOffset now)
    {
        if (IsUserChannel) return;
        string? deleted = null;
        IReadOnlySet<string>? listed = null;
        if (requestType == SharedIPadUsers.DeleteUser)
            deleted = await store.LoadBody(bodyHash) is { } body ? SharedIPadUsers.Deleted(body)?.UserName : null;
        else if (requestType == SharedIPadUsers.UserList && asked is not null) listed = await Listed(report);
        if (deleted is null && listed is null) return;
        var users = (await userChannels.Find(DeviceId))?.Users ?? [];
        var gone = UserChannelPart.Gone(users, deleted, listed, asked ?? now);
        foreach (var user in gone) await EndUser(user.Id, now);
        if (gone.Count > 0) LogUsersGone(Id, gone.Count);
    }

    /// <summary>Null: it cannot be read in full.</summary>
    private async ValueTask<IReadOnlySet<string>?> Listed(CommandReportMessage report)
    {
        var bytes = report.Result ?? (report.ResultHash is { } hash ? await store.LoadBody(hash) : null);
        return bytes is not null && InventoryReader.Read(InventoryKind.Users, bytes) is { Cut: false } told
            ? told.Entries.Select(entry => entry.Key).ToHashSet(StringComparer.OrdinalIgnoreCase)
            : null;
    }

    private async Task EndUser(string userId, DateTimeOffset now)
    {
        if ((await store.Load(userId)).Row is not { Status: EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled } row) return;
        // Whoever came in between is there: then nothing is written.
        await store.Commit(EnrolmentPart.Leave(row, EnrolmentStatus.Unenrolled, CommandEnding.UserDeleted, now, Guid.NewGuid()));
        await ReloadUserChannel(userId);
    }

    /// <summary>Step 3.</summary>
    private async Task AskWhoIsThere(string answered)
    {
        if (IsUserChannel || !IsAlive || answered is not (SharedIPadUsers.DeleteUser or SharedIPadUsers.LogOutUser)) return;
        if (_queue.Commands.Any(command => command.Row.RequestType == SharedIPadUsers.UserList)) return;
        await AppendOwn(RefreshQuestions.NewUuid(), SharedIPadUsers.UserList, WhoIsThere);
    }

    /// <summary>Step 4. What the user has put off comes later: nobody waits at the login for what cannot be done there.</summary>
    private async ValueTask<DeviceReply?> LetUserIn() => await QueueLetIn() ? await Next() : null;

    /// <returns>False: nobody waits, or it is queued.</returns>
    private async Task<bool> QueueLetIn()
    {
        if (!IsUserAwaiting || _queue.Commands.Any(command => command.Row.RequestType == SharedIPadUsers.UserConfigured)) return false;
        await AppendOwn(HoldCommands.NewUuid(), SharedIPadUsers.UserConfigured, LetIn);
        return true;
    }

    /// <summary>Step 5. Pushes that went out while the user was away went nowhere.</summary>
    private async Task UserLoggedIn()
    {
        if (!IsUserChannel) return;
        if (await AnythingIsInForce()) FactsChanged();
        if (_queue.Count > 0 || PlanIsDue(Now())) RequestPush(evenIfOutstanding: true);
    }

    /// <summary>This iPad; for a user the user's iPad, as far as it decides what the user can have.</summary>
    private async ValueTask<DeviceRow> ItsIPad() =>
        IsUserChannel && (await store.Load(DeviceId)).Row is { } ipad ? ipad with { Id = _row!.Id, Kind = _row.Kind, IsShared = true } : _row!;

    private async Task<Person?> PersonOfUser() =>
        _row?.UserShortName is { } account ? (await people.ListByAccounts(Storage.Scope.District, [account])).FirstOrDefault() : null;

    [LoggerMessage(2880, LogLevel.Information, "{Id}: {Count} users are not on the iPad any more. What waited for them has ended")]
    private partial void LogUsersGone(string id, int count);
}
