using FleetMdm.Storage.Access;
using FleetMdm.Storage.ActivationLock;
using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Automated;
using FleetMdm.Storage.Campaigns;
using FleetMdm.Storage.Classroom;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.DeviceImports;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Exams;
using FleetMdm.Storage.Exports;
using FleetMdm.Storage.GroupCommit;
using FleetMdm.Storage.Groups;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.Hosting;
using FleetMdm.Storage.Imports;
using FleetMdm.Storage.Incidents;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.People;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Profiles;
using FleetMdm.Storage.Renewals;
using FleetMdm.Storage.Returns;
using FleetMdm.Storage.Schools;
using FleetMdm.Storage.Secrets;
using FleetMdm.Storage.SelfService;
using FleetMdm.Storage.Teaching;
using FleetMdm.Storage.Webhooks;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Storage.Tests;

/// <summary>The store as one process of a cluster has it: its own lanes, connections and caches.</summary>
public sealed class Node : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    public Node(IReadOnlyDictionary<string, string?> settings, TimeProvider? time = null)
    {
        var services = new ServiceCollection();
        if (time is not null)
            services.AddSingleton(time);
        services.AddFleetStorage(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        _services = services.BuildServiceProvider();
    }

    public static async Task<Node> Start(IReadOnlyDictionary<string, string?> settings, TimeProvider? time = null)
    {
        var node = new Node(settings, time);
        try
        {
            await node.Start();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public IAccountStore Accounts => Get<IAccountStore>();

    public IPasskeyStore Passkeys => Get<IPasskeyStore>();

    public ISelfServiceStore SelfService => Get<ISelfServiceStore>();

    public ITeachingStore Teaching => Get<ITeachingStore>();

    public IExportStore Exports => Get<IExportStore>();

    public IDeviceStore Devices => Get<IDeviceStore>();

    public IAssignmentStore Assignments => Get<IAssignmentStore>();

    public IDeclarationStore Declarations => Get<IDeclarationStore>();

    public IExamStore Exams => Get<IExamStore>();
    public ICampaignStore Campaigns => Get<ICampaignStore>();

    public IReturnStore Returns => Get<IReturnStore>();

    public IClassroomStore Classroom => Get<IClassroomStore>();

    public IOperationStore Operations => Get<IOperationStore>();

    public IRepeatStore Repeats => Get<IRepeatStore>();

    public IRollOutStore RollOuts => Get<IRollOutStore>();

    public IOperationPaceStore Paces => Get<IOperationPaceStore>();

    public IFleetQueries Queries => Get<IFleetQueries>();

    public ILateAnswerStore LateAnswers => Get<ILateAnswerStore>();

    public IInventoryStore Inventory => Get<IInventoryStore>();

    public IActivationLockStore ActivationLock => Get<IActivationLockStore>();

    public IProfileStore Profiles => Get<IProfileStore>();

    public IEscrowStore Escrow => Get<IEscrowStore>();

    public IUserChannelStore UserChannels => Get<IUserChannelStore>();

    public IEnrolmentStore Enrolments => Get<IEnrolmentStore>();

    public IRenewalStore Renewals => Get<IRenewalStore>();
    public IAttestationStore Attestations => Get<IAttestationStore>();

    public IPlaceholderStore Placeholders => Get<IPlaceholderStore>();

    public IReenrolmentStore Reenrolments => Get<IReenrolmentStore>();

    public IImportStore Imports => Get<IImportStore>();

    public IPeopleStore People => Get<IPeopleStore>();

    public IHoldingStore Holdings => Get<IHoldingStore>();

    public IIncidentStore Incidents => Get<IIncidentStore>();

    public IDeviceImportStore DeviceImports => Get<IDeviceImportStore>();

    public IAutomatedStore Automated => Get<IAutomatedStore>();

    public IAutomatedSyncStore AutomatedSync => Get<IAutomatedSyncStore>();

    public IContentStore Content => Get<IContentStore>();

    public IContentSyncStore ContentSync => Get<IContentSyncStore>();

    public IAutomatedHoldStore Holds => Get<IAutomatedHoldStore>();

    public IClassStore Classes => Get<IClassStore>();

    public IGroupStore Groups => Get<IGroupStore>();

    public ISchoolStore Schools => Get<ISchoolStore>();

    public IAuditStore Audit => Get<IAuditStore>();

    public IAuditChain Chain => Get<IAuditChain>();

    public IWebhookStore Webhooks => Get<IWebhookStore>();

    public IIdempotencyStore Idempotency => Get<IIdempotencyStore>();

    public IKeyRingStore KeyRing => Get<IKeyRingStore>();

    public IStoreControl Control => Get<IStoreControl>();

    public SecretSealer Sealer => Get<SecretSealer>();

    internal BodyRewrite Rewrite => Get<BodyRewrite>();

    public MasterKeyChange MasterKeyChange => Get<MasterKeyChange>();

    internal StoreLanes Lanes => Get<StoreParts>().Lanes;

    internal StorageMetrics Metrics => Get<StorageMetrics>();

    internal StoreParts Parts => Get<StoreParts>();

    public Task Start() => _services.StartFleetStorage();

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private T Get<T>() where T : notnull => _services.GetRequiredService<T>();
}
