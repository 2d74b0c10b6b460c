#include "duckdb_adapter/files/http_interrupts.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "duckdb/common/file_opener.hpp"
#include "duckdb/common/http_util.hpp"
#include "duckdb/main/connection_manager.hpp"
#include "duckdb/planner/extension_callback.hpp"
#include "duckdb_adapter/duckdb_internal.h"

namespace smallpond {
namespace {

constexpr auto kLookForInterrupt = std::chrono::milliseconds(20);

using Response = duckdb::unique_ptr<duckdb::HTTPResponse>;
using Connections = std::vector<duckdb::weak_ptr<duckdb::ClientContext>>;

// Who has interrupted this thread's last request, which httpfs tries again.
thread_local duckdb::weak_ptr<duckdb::ClientContext> interrupter;

// Who may interrupt a request that is for one connection. DuckDB does not say for whom it attaches
// a database: there it is whoever is not interrupted yet.
Connections ConnectionsFor(const duckdb::weak_ptr<duckdb::ClientContext>& one,
                           duckdb::DatabaseInstance& database) {
  if (one.lock()) return {one};
  Connections all;
  for (const auto& context : duckdb::ConnectionManager::Get(database).GetConnectionList()) {
    bool is_again = context == interrupter.lock();
    if (is_again || !context->IsInterrupted()) all.emplace_back(context);
  }
  return all;
}

// What the thread that sends a request uses: owned by it and by who waits, so that it outlives an
// interrupted query.
struct Sending {
  std::shared_ptr<duckdb::HTTPClient> client;
  duckdb::unique_ptr<duckdb::HTTPParams> params;            // What the request refers to.
  duckdb::shared_ptr<duckdb::ClientContextState> counters;  // What the client refers to.
  std::mutex mutex;  // Guards what follows, and is held while the query's functions are called.
  std::condition_variable changed;
  bool is_done = false;
  bool is_abandoned = false;
  Response response = nullptr;
  std::exception_ptr error = nullptr;

  // Calls a function of the query that waits, unless it waits no more: the request ends then.
  template <class Function, class... Arguments>
  bool Call(const Function& function, Arguments&&... arguments) {
    std::lock_guard lock(mutex);
    return !is_abandoned && function(std::forward<Arguments>(arguments)...);
  }
};

template <class Send>
void Start(const std::shared_ptr<Sending>& sending, Send send) {
  std::thread([sending, send = std::move(send)]() mutable {
    Response response;
    std::exception_ptr error;
    try {
      response = send(*sending);
    } catch (...) {
      error = std::current_exception();
    }
    std::lock_guard lock(sending->mutex);
    sending->response = std::move(response);
    sending->error = error;
    sending->is_done = true;
    sending->changed.notify_all();
  }).detach();
}

// A client of httpfs's whose reads hear an interrupt of the connection that they are for.
class InterruptibleClient : public duckdb::HTTPClient {
 public:
  InterruptibleClient(duckdb::unique_ptr<duckdb::HTTPClient> client, duckdb::HTTPUtil& httpfs,
                      duckdb::DatabaseInstance& database,
                      duckdb::weak_ptr<duckdb::ClientContext> context)
      : duckdb::HTTPClient(client->GetBaseUrl()),
        client_(client.release()),
        httpfs_(httpfs),
        database_(database),
        context_(std::move(context)) {}

  void Initialize(duckdb::HTTPParams& params) override { client_->Initialize(params); }
  Response Put(duckdb::PutRequestInfo& info) override { return client_->Put(info); }
  Response Delete(duckdb::DeleteRequestInfo& info) override { return client_->Delete(info); }
  Response Post(duckdb::PostRequestInfo& info) override { return client_->Post(info); }
  void Cleanup() override { client_->Cleanup(); }

  Response Get(duckdb::GetRequestInfo& info) override {
    auto sending = NewSending();
    decltype(info.response_handler) on_response;
    decltype(info.content_handler) on_content;
    if (info.response_handler) {
      on_response = [sending = sending.get(), &info](const duckdb::HTTPResponse& response) {
        return sending->Call([&] { return info.response_handler(response); });
      };
    }
    if (info.content_handler) {
      on_content = [sending = sending.get(), &info](duckdb::const_data_ptr_t data,
                                                    duckdb::idx_t size) {
        return sending->Call([&] { return info.content_handler(data, size); });
      };
    }
    duckdb::GetRequestInfo copy(info.url, info.headers, *sending->params, std::move(on_response),
                                std::move(on_content));
    Start(sending,
          [copy = std::move(copy)](Sending& own) mutable { return own.client->Get(copy); });
    return Wait(*sending);
  }

  Response Head(duckdb::HeadRequestInfo& info) override {
    auto sending = NewSending();
    duckdb::HeadRequestInfo copy(info.url, info.headers, *sending->params);
    Start(sending,
          [copy = std::move(copy)](Sending& own) mutable { return own.client->Head(copy); });
    return Wait(*sending);
  }

 private:
  // The client is set up, and a request's headers are whole. So these parameters, which the query
  // does not own, need to hold nothing.
  std::shared_ptr<Sending> NewSending() {
    auto sending = std::make_shared<Sending>();
    sending->client = client_;
    sending->params = httpfs_.InitializeParameters(nullptr, nullptr);
    if (auto context = context_.lock()) {
      sending->counters = context->registered_state->Get<duckdb::ClientContextState>("http_state");
    }
    return sending;
  }

  Response Wait(Sending& sending) {
    const Connections connections = ConnectionsFor(context_, database_);
    std::unique_lock lock(sending.mutex);
    while (!sending.changed.wait_for(lock, kLookForInterrupt, [&] { return sending.is_done; })) {
      auto found = std::find_if(connections.begin(), connections.end(), [](const auto& one) {
        auto context = one.lock();
        return context && context->IsInterrupted();
      });
      if (found == connections.end()) continue;
      interrupter = *found;
      sending.is_abandoned = true;
      throw duckdb::InterruptException();
    }
    if (sending.error) std::rethrow_exception(sending.error);
    return std::move(sending.response);
  }

  const std::shared_ptr<duckdb::HTTPClient> client_;  // Shared with requests that are sent.
  duckdb::HTTPUtil& httpfs_;
  duckdb::DatabaseInstance& database_;
  const duckdb::weak_ptr<duckdb::ClientContext> context_;
};

// What httpfs asks for clients: for one connection, or in `DBConfig`, for whoever opens a file.
class InterruptibleRequests : public duckdb::HTTPUtil {
 public:
  InterruptibleRequests(duckdb::HTTPUtil& httpfs, duckdb::DatabaseInstance& database,
                        duckdb::weak_ptr<duckdb::ClientContext> context)
      : httpfs_(httpfs), database_(database), context_(std::move(context)) {}

  std::string GetName() const override { return "smallpond"; }

  duckdb::unique_ptr<duckdb::HTTPParams> InitializeParameters(
      duckdb::optional_ptr<duckdb::FileOpener> opener,
      duckdb::optional_ptr<duckdb::FileOpenerInfo> info) override {
    auto params = httpfs_.InitializeParameters(opener, info);
    auto context = duckdb::FileOpener::TryGetClientContext(opener);
    AskInstead(*params, context ? RequestsOf(*context) : *this);
    return params;
  }

  duckdb::unique_ptr<duckdb::HTTPClient> InitializeClient(duckdb::HTTPParams& params,
                                                          const std::string& host) override {
    return duckdb::make_uniq<InterruptibleClient>(httpfs_.InitializeClient(params, host), httpfs_,
                                                  database_, context_);
  }

  bool ShouldRetry(const duckdb::BaseRequest& request,
                   const duckdb::HTTPResponse& response) override {
    return httpfs_.ShouldRetry(request, response);
  }

 private:
  // Parameters are of a type of httpfs's, and refer to the util that made them. Their place in
  // memory is known by the headers; where another word stands there, they stay as they are.
  void AskInstead(duckdb::HTTPParams& params, duckdb::HTTPUtil& util) const {
    auto* place = reinterpret_cast<char*>(&params.logger) - sizeof(void*);
    const duckdb::HTTPUtil* made_by = nullptr;
    std::memcpy(&made_by, place, sizeof made_by);
    if (made_by != &httpfs_) return;
    auto* asked = &util;
    std::memcpy(place, &asked, sizeof asked);
  }

  // Of one connection.
  struct State : duckdb::ClientContextState {
    static constexpr const char* kKey = "smallpond_requests";
    const InterruptibleRequests* made_by = nullptr;
    InterruptibleRequests* util = nullptr;
  };

  InterruptibleRequests& RequestsOf(duckdb::ClientContext& context) {
    std::lock_guard lock(mutex_);
    auto state = context.registered_state->GetOrCreate<State>(State::kKey);
    if (state->made_by == this) return *state->util;
    by_connection_.push_back(
        std::make_unique<InterruptibleRequests>(httpfs_, database_, context.shared_from_this()));
    state->made_by = this;
    state->util = by_connection_.back().get();
    return *state->util;
  }

  duckdb::HTTPUtil& httpfs_;  // DBConfig keeps all that it ever had.
  duckdb::DatabaseInstance& database_;
  const duckdb::weak_ptr<duckdb::ClientContext> context_;
  std::mutex mutex_;  // Guards by_connection_ and the states of connections.
  // A few words for each connection, which stay: files that it opened may outlive it.
  std::vector<std::unique_ptr<InterruptibleRequests>> by_connection_;
};

// Loading httpfs, or choosing its implementation, sets another util.
class LoadedExtensions : public duckdb::ExtensionCallback {
 public:
  void OnConnectionOpened(duckdb::ClientContext& context) override { Wrap(*context.db); }
  void OnExtensionLoaded(duckdb::DatabaseInstance& database, const std::string&) override {
    Wrap(database);
  }

 private:
  void Wrap(duckdb::DatabaseInstance& database) {
    std::lock_guard lock(mutex_);
    auto& util = database.config.GetHTTPUtil();
    if (!duckdb::StringUtil::StartsWith(util.GetName(), "HTTPFS")) return;
    database.config.SetHTTPUtil(duckdb::make_shared_ptr<InterruptibleRequests>(
        util, database, duckdb::weak_ptr<duckdb::ClientContext>()));
  }

  std::mutex mutex_;  // One at a time wraps.
};

}  // namespace

void HearInterruptsInRequests(duckdb::DatabaseInstance& database) {
  duckdb::ExtensionCallback::Register(database.config, duckdb::make_shared_ptr<LoadedExtensions>());
}

}  // namespace smallpond
